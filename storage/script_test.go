package storage

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"vertebra/storage/record"
)

// TestScripts plays the transcripts in testdata: what an operator or a service does
// to a shard, and what it sees. `go test -rewrite` writes them again.
//
//	apply                one command per line, all of one entry
//	get, history, document  subject[/table/rest], at=V
//	scan, postings, queue, events
//	flush, crash, drop, wipe are as they sound
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{replica: openReplica(t, NewCrashableMemFS())}
		defer func() { s.close(t) }()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.play(t, d) })
	})
}

type script struct{ *replica }

func (s *script) play(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "apply":
		return s.applyLines(d)
	case "flush":
		s.flush(t)
		return fmt.Sprintf("durable %d", s.shard.DurableIndex())
	case "crash":
		s.replica = s.crash(t, 0)
		return fmt.Sprintf("applied %d", s.shard.AppliedIndex())
	case "status":
		return fmt.Sprintf("applied %d term %d time %d floor %d durable %d",
			s.shard.AppliedIndex(), s.shard.AppliedTerm(), s.shard.Time(), s.shard.Floor(), s.shard.DurableIndex())
	case "queue":
		return s.queue()
	case "drop":
		var upTo uint64
		d.ScanArgs(t, "upto", &upTo)
		return said(s.shard.DropQueue(upTo))
	}
	at := s.shard.AppliedIndex()
	d.MaybeScanArgs(t, "at", &at)
	v, err := s.shard.View(at)
	if err != nil {
		return err.Error()
	}
	defer v.Close()
	return look(v, d)
}

func said(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// look answers a command that reads.
func look(v *View, d *datadriven.TestData) string {
	var b strings.Builder
	key := record.Key{Table: record.Demographics}
	if len(d.CmdArgs) > 0 {
		key = scriptKey(d.CmdArgs[0].Key)
	}
	switch d.Cmd {
	case "get":
		r, found, err := v.Get(key)
		if !found || err != nil {
			return "absent\n"
		}
		printRecord(&b, r)
	case "document":
		doc, version, err := v.Document(key)
		fmt.Fprintf(&b, "%q of version %d, %v\n", doc, version, err)
	case "history":
		for r, err := range v.History(key) {
			printRecord(&b, r)
			fmt.Fprint(&b, printError(err))
		}
	case "scan":
		for r, err := range v.Scan(key.Subject, key.Table) {
			printRecord(&b, r)
			fmt.Fprint(&b, printError(err))
		}
	case "postings":
		for p, err := range v.Postings(1, nil, nil) {
			fmt.Fprintf(&b, "%s %s%s\n", p.Value, string(p.Key.Subject), printError(err))
		}
	case "events":
		for e, err := range v.Events(0) {
			fmt.Fprintf(&b, "%d.%d at %d: %s of %s%s\n", e.Index, e.Ordinal, e.Time, e.Type, string(e.Subject), printError(err))
		}
	default:
		return "unknown command"
	}
	return b.String()
}

func printError(err error) string {
	if err != nil {
		return " " + err.Error()
	}
	return ""
}

func printRecord(b *strings.Builder, r record.Record) {
	if r.Version == 0 {
		fmt.Fprintf(b, "log index %d: deleted\n", r.Index)
		return
	}
	fmt.Fprintf(b, "log index %d: version %d, time %d, %q\n", r.Index, r.Version, r.Time, r.Body)
}

func (s *script) queue() string {
	var b strings.Builder
	for q, err := range s.shard.Queue(0, s.shard.AppliedIndex()) {
		switch {
		case err != nil:
			return err.Error()
		case q.Wipe:
			fmt.Fprintf(&b, "%d.%d: wipe\n", q.Index, q.Ordinal)
		case q.Document == nil:
			fmt.Fprintf(&b, "%d.%d: %s is gone\n", q.Index, q.Ordinal, string(q.Key.Subject))
		default:
			fmt.Fprintf(&b, "%d.%d: %s is %q\n", q.Index, q.Ordinal, string(q.Key.Subject), q.Document)
		}
	}
	return b.String()
}

// applyLines applies one entry and tells what became of each command.
func (s *script) applyLines(d *datadriven.TestData) string {
	var commands []record.Command
	for line := range strings.Lines(d.Input) {
		commands = append(commands, scriptCommand(strings.Fields(line)))
	}
	results, err := s.shard.Apply(s.shard.AppliedIndex()+1, 1, commands)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, r := range results {
		switch {
		case r.Conflict != nil:
			fmt.Fprintf(&b, "%d.%d: conflict, %s has version %d\n", r.Index, r.Ordinal, string(r.Conflict.Key.Subject), r.Conflict.Have)
		case r.Replay != nil:
			fmt.Fprintf(&b, "%d.%d: replay of %d, status %d\n", r.Index, r.Ordinal, r.ReplayIndex, r.Replay.Status)
		default:
			fmt.Fprintf(&b, "%d.%d: done\n", r.Index, r.Ordinal)
		}
	}
	return b.String()
}

// scriptKey reads subject, or subject/table/rest.
func scriptKey(s string) record.Key {
	parts := append(strings.SplitN(s, "/", 3), "1", "")
	table, _ := strconv.Atoi(parts[1])
	if len(parts) < 4 {
		parts = append(parts, "")
	}
	k := record.Key{Subject: record.Subject(parts[0]), Table: record.Table(table)}
	if strings.Count(s, "/") == 2 {
		k.Rest = parts[2]
	}
	return k
}

// scriptCommand reads `put key version [read=N] [keep] [doc=D] [post=A,B] [time=T] [request=N] [event=E]`,
// `delete key ...`, `append key body`, `collect floor`, `wipe [table ...]` or `marker`.
func scriptCommand(words []string) record.Command {
	number := func(s string) uint64 { n, _ := strconv.ParseUint(s, 10, 64); return n }
	switch words[0] {
	case "marker":
		return record.Command{Kind: record.KindMarker}
	case "collect":
		return record.Command{Kind: record.KindCollect, Floor: number(words[1])}
	case "wipe":
		c := record.Command{Kind: record.KindWipe}
		for _, t := range words[1:] {
			c.Keep = append(c.Keep, record.Table(number(t)))
		}
		return c
	}
	key := scriptKey(words[1])
	m := record.Mutation{Subject: key.Subject}
	w := record.Write{Key: key}
	rest := words[2:]
	switch words[0] {
	case "append":
		m.Appends = []record.Append{{Key: key, Body: []byte(words[2])}}
	case "put":
		w.Version, rest = number(words[2]), words[3:]
		w.Body = []byte("body " + words[2])
	}
	for _, option := range rest {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "read":
			m.Reads = []record.Read{{Key: key, Version: number(value)}}
		case "keep":
			w.KeepHistory = true
		case "doc":
			w.Document = []byte(value)
		case "post":
			for v := range strings.SplitSeq(value, ",") {
				w.Postings = append(w.Postings, record.Posting{Field: 1, Value: []byte(v)})
			}
		case "time":
			m.Time = int64(number(value))
		case "request":
			m.Request, m.Outcome = record.RequestID{byte(number(value))}, record.Outcome{Status: 200, Subject: key.Subject}
		case "event":
			m.Events = []record.Event{{Type: value, Subject: key.Subject}}
		}
	}
	if words[0] != "append" {
		m.Writes = []record.Write{w}
	}
	return record.Command{Kind: record.KindMutation, Mutation: m}
}
