package storage

import (
	"fmt"
	"testing"

	"vertebra/storage/record"
)

func TestSmoke(t *testing.T) {
	fs := NewMemFS()
	st, err := Open("x", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	sh, err := st.Shard(1, 0, 4095)
	if err != nil {
		t.Fatal(err)
	}
	k := record.Key{Subject: "9000000009", Table: record.Demographics}
	mut := func(i int, read, v uint64) record.Command {
		return record.Command{Kind: record.KindMutation, Mutation: record.Mutation{Subject: k.Subject, Time: int64(i),
			Request: record.RequestID{byte(i)}, Outcome: record.Outcome{Status: 200, Version: v, Subject: k.Subject},
			Reads: []record.Read{{Key: k, Version: read}},
			Writes: []record.Write{{Key: k, Version: v, Body: []byte(fmt.Sprint("body", v)), Attributes: []byte("a"), Document: []byte("doc"),
				Postings: []record.Posting{{Field: 1, Value: []byte(fmt.Sprint("v", v))}, {Field: 1, Value: []byte("same")}}}},
			Appends: []record.Append{{Key: record.Key{Subject: k.Subject, Table: record.Claims}, Body: []byte("x")}},
			Events: []record.Event{{Type: "t", Subject: k.Subject}}}}
	}
	for i := 1; i <= 4; i++ {
		r, err := sh.Apply(uint64(i), 1, []record.Command{mut(i, uint64(i-1), uint64(i)), mut(i+100, uint64(i-1), uint64(i))})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", r)
	}
	dump := func() {
		v, err := sh.View(sh.AppliedIndex())
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		t.Log(v.Get(k))
		t.Log(v.Document(k))
		t.Log(v.Outcome(k.Subject, record.RequestID{2}))
		for p, err := range v.Postings(1, nil, nil) {
			t.Log(p, err)
		}
		for p, err := range v.History(k) {
			t.Log(p, err)
		}
		for p, err := range v.Events(2) {
			t.Log(p, err)
		}
		for p, err := range v.Scan(k.Subject, record.Claims) {
			t.Log(p.Index, err)
		}
		for p, err := range sh.Queue(0, 100) {
			t.Log(p, err)
		}
		t.Log(v.Checksum(0, 4095))
	}
	dump()
	if _, err := sh.Apply(5, 1, []record.Command{{Kind: record.KindCollect, Floor: 3}}); err != nil {
		t.Fatal(err)
	}
	t.Log(sh.DurableIndex())
	if err := sh.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Log(sh.DurableIndex())
	dump()
	if _, err := sh.Apply(6, 1, []record.Command{{Kind: record.KindWipe, Keep: []record.Table{record.Claims}}}); err != nil {
		t.Fatal(err)
	}
	dump()
	l := st.Log(3)
	t.Log(l.Append(1, [][]byte{{1}, {2}, {3}}), l.DeleteRange(1, 1))
	t.Log(l.Bounds())
	t.Log(st.Metrics().String())
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st, err = Open("x", Options{FS: fs, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	sh, err = st.Shard(1, 0, 4095)
	t.Log(sh.AppliedIndex(), err)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}
