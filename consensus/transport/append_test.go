package transport

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// appendInParts sends ten entries that travel as five parts to a peer that answers
// each as the function says, and returns what came of it.
func appendInParts(t *testing.T, answer func(part int, r *raft.AppendEntriesRequest) (*raft.AppendEntriesResponse, error)) (resp raft.AppendEntriesResponse, matched uint64, err error) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b")
		defer c.close()
		c.change = func(conf *Config) { conf.Limits.PartBytes = 400 }
		a, b := c.open("a"), c.open("b")
		to, _ := b.node.Group(1)
		go func() {
			for part := 0; ; part++ {
				select {
				case rpc := <-to.Consumer():
					rpc.Respond(answer(part, rpc.Command.(*raft.AppendEntriesRequest)))
				case <-to.closed:
					return
				}
			}
		}()
		from, _ := a.node.Group(1)
		request := &raft.AppendEntriesRequest{Term: 3, PrevLogEntry: 20, PrevLogTerm: 2, LeaderCommitIndex: 25}
		for i := range uint64(10) {
			request.Entries = append(request.Entries, &raft.Log{Index: 21 + i, Term: 3, Data: make([]byte, 100)})
		}
		err = from.AppendEntries("b@1", "b", request, &resp)
		matched = a.matchedBy("b", 1, 3)
	})
	return resp, matched, err
}

func TestAnAppendInPartsIsOneToRaft(t *testing.T) {
	prev, prevTerm := uint64(20), uint64(2)
	resp, matched, err := appendInParts(t, func(_ int, r *raft.AppendEntriesRequest) (*raft.AppendEntriesResponse, error) {
		if r.PrevLogEntry != prev || r.PrevLogTerm != prevTerm || len(r.Entries) != 2 || r.LeaderCommitIndex != 25 {
			t.Errorf("a part behind %d of term %d with %d entries", r.PrevLogEntry, r.PrevLogTerm, len(r.Entries))
		}
		prev, prevTerm = prev+2, 3
		return &raft.AppendEntriesResponse{Term: 3, LastLog: prev, Success: true}, nil
	})
	if err != nil || !resp.Success || resp.LastLog != 30 || matched != 30 {
		t.Errorf("%+v, matched %d, %v", resp, matched, err)
	}
}

func TestAnAppendInPartsFailsAtTheFirstThatDoes(t *testing.T) {
	resp, matched, err := appendInParts(t, func(part int, _ *raft.AppendEntriesRequest) (*raft.AppendEntriesResponse, error) {
		return &raft.AppendEntriesResponse{Term: 3, LastLog: uint64(100 + part), Success: part < 2}, nil
	})
	if err != nil || resp.Success || resp.LastLog != 102 || matched != 24 {
		t.Errorf("%+v, matched %d, %v", resp, matched, err)
	}
	_, matched, err = appendInParts(t, func(part int, _ *raft.AppendEntriesRequest) (*raft.AppendEntriesResponse, error) {
		if part == 1 {
			return nil, errors.New("the disk is full")
		}
		return &raft.AppendEntriesResponse{Term: 3, Success: part == 0}, nil
	})
	if !errors.Is(err, ErrRemote) || matched != 22 {
		t.Errorf("matched %d, %v", matched, err)
	}
	// An answer of another term is no match in this one, whatever it says.
	_, matched, err = appendInParts(t, func(int, *raft.AppendEntriesRequest) (*raft.AppendEntriesResponse, error) {
		return &raft.AppendEntriesResponse{Term: 4, Success: true}, nil
	})
	if err != nil || matched != 0 {
		t.Errorf("matched %d in another term, %v", matched, err)
	}
}

// TestPipelineKeepsOrder: answers that come in any order reach raft in that of the
// requests, and a failed one ends the pipeline instead.
func TestPipelineKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b")
		defer c.close()
		a, b := c.open("a"), c.open("b")
		to, _ := b.node.Group(1)
		from, _ := a.node.Group(1)
		p, err := from.AppendEntriesPipeline("b@1", "b")
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(5) {
			request := &raft.AppendEntriesRequest{Term: 1, PrevLogEntry: i + 1}
			if _, err := p.AppendEntries(request, &raft.AppendEntriesResponse{}); err != nil {
				t.Fatal(err)
			}
		}
		var waiting []raft.RPC
		for range 5 {
			waiting = append(waiting, <-to.Consumer())
		}
		for i := range 4 {
			waiting[3-i].Respond(&raft.AppendEntriesResponse{Term: 1, Success: true, LastLog: uint64(4 - i)}, nil)
			synctest.Wait()
		}
		for i := range uint64(4) {
			f := <-p.Consumer()
			if f.Error() != nil || f.Request().PrevLogEntry != i+1 || f.Response().LastLog != i+1 || time.Since(f.Start()) < 0 {
				t.Errorf("future %d is of %d: %+v, %v", i, f.Request().PrevLogEntry, f.Response(), f.Error())
			}
		}
		waiting[4].Respond(nil, errors.New("no"))
		synctest.Wait()
		select {
		case f := <-p.Consumer():
			t.Errorf("a failed future comes: %+v", f.Response())
		default:
		}
		if _, err := p.AppendEntries(&raft.AppendEntriesRequest{Term: 1}, &raft.AppendEntriesResponse{}); !errors.Is(err, raft.ErrPipelineShutdown) {
			t.Errorf("after a failure: %v", err)
		}
	})
}
