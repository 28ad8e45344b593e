package storage

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

func isError(err, target error) bool { return errors.Is(err, target) }

// TestCheckFindsPlantedDamage breaks a sound store in every way that a check knows.
func TestCheckFindsPlantedDamage(t *testing.T) {
	k := record.Key{Subject: "9000000009", Table: record.Demographics}
	version := appendVersion(appendRecord(nil, k), 1)
	document := appendVersion(appendRecord(nil, documentKey(k)), 1)
	posting := appendPosting(nil, 1, record.Posting{Field: 1, Value: []byte("smith")}, k)
	dead := appendPosting(nil, 1, record.Posting{Field: 1, Value: []byte("jones")}, k)
	value := appendVersionValue(nil, versionHeader{version: 1}, nil, nil)
	other := record.Key{Subject: "9000000017", Table: record.Demographics}
	state := func(change func(db *pebble.DB) error) func(*Store) error {
		return func(s *Store) error { return change(s.state) }
	}
	set := func(key, value []byte) func(*Store) error {
		return state(func(db *pebble.DB) error { return db.Set(key, value, pebble.NoSync) })
	}
	remove := func(key []byte) func(*Store) error {
		return state(func(db *pebble.DB) error { return db.Delete(key, pebble.NoSync) })
	}
	for _, c := range []struct {
		name   string
		want   Problem
		damage func(*Store) error
	}{
		{"sound", "", func(*Store) error { return nil }},
		{"key cut short", ProblemKey, set(version[:9], value)},
		{"value of nothing", ProblemValue, set(version, nil)},
		{"record in another slot", ProblemSlot, set(append(appendSlotTable(nil, 3, k.Table), version[4:]...), value)},
		{"record outside of all shards", ProblemSlot, set(appendVersion(appendRecord(nil, record.Key{Subject: "control/x"}), 1), value)},
		{"record of the future", ProblemAhead, set(appendVersion(appendRecord(nil, other), 99), value)},
		{"queue of the future", ProblemAhead, set(appendIndexed(nil, spaceQueue, 1, 99, 0), append([]byte{queuedWipe}, appendKeyValue(nil, k)...))},
		{"unknown thing in the queue", ProblemValue, set(appendIndexed(nil, spaceQueue, 1, 1, 9), []byte{9})},
		{"no search record", ProblemDocument, remove(document)},
		{"search record without its record", ProblemDocument, remove(version)},
		{"posting lost", ProblemPostingMissing, remove(posting)},
		{"posting left over", ProblemPostingDead, set(dead, nil)},
		{"posting exchanged", ProblemPostingMissing, func(s *Store) error {
			return errors.Join(s.state.Delete(posting, pebble.NoSync), s.state.Set(dead, nil, pebble.NoSync))
		}},
		{"outcome lost", ProblemOutcome, remove(appendVersion(appendRecord(nil, outcomeKey(k.Subject, record.RequestID{1})), 1))},
		{"hole in the log", ProblemLogGap, func(s *Store) error { return s.Log(1).DeleteRange(2, 2) }},
		{"log begins too late", ProblemLogShort, func(s *Store) error {
			return errors.Join(s.Log(1).Append(9, [][]byte{{1}}), s.Log(1).DeleteRange(1, 8))
		}},
		{"log ends too early", ProblemLogShort, func(s *Store) error {
			_, err := s.shards[1].Apply(7, 1, nil)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := openReplica(t, NewCrashableMemFS())
			_, err := r.shard.Apply(1, 1, []record.Command{{Kind: record.KindMutation, Mutation: record.Mutation{
				Subject: k.Subject, Request: record.RequestID{1},
				Writes: []record.Write{{Key: k, Version: 1, Document: []byte("d"), Postings: []record.Posting{{Field: 1, Value: []byte("smith")}}}},
			}}})
			must(t, errors.Join(err, r.store.Log(1).Append(1, entriesFor(1, 1, 3)), c.damage(r.store)))
			r.close(t)
			found := map[Problem]bool{}
			report, err := CheckStore("data", CheckOptions{FS: r.fs, Found: func(f Finding) {
				found[f.Problem] = true
				if strings.Contains(f.String(), string(k.Subject)) {
					t.Errorf("a finding with a subject in it: %v", f)
				}
			}})
			must(t, err)
			if (c.want == "") != (report.Findings == 0) || (c.want != "" && !found[c.want]) {
				t.Fatalf("found %v, want %q; %+v", found, c.want, report)
			}
		})
	}
}
