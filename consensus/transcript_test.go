package consensus

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestTranscripts plays the conversations in testdata: three nodes, each command
// one line. Terms and indexes depend on how elections went and are not printed.
//
//	network [snapshot-entries=N] [trailing=N]   three new nodes a, b, c
//	lead NAME                 NAME becomes leader
//	propose at=NAME PAYLOAD   with the payload's number as its footprint
//	prove at=NAME             leadership, within a second
//	cut NAME, heal NAME       take its links away, give them back
//	wait DURATION
//	crash NAME                lose power and start again
//	snapshot NAME             compact the log
//	lines                     what every node has applied, after they have settled
//	hooks NAME                what the log told since last asked
//	add NAME, remove NAME     by the leader
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			s := &transcript{t: t}
			datadriven.RunTest(t, path, s.run)
			s.net.close()
		})
	})
}

type transcript struct {
	t   *testing.T
	net *network
}

func (s *transcript) run(_ *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "network":
		var limits Limits
		d.MaybeScanArgs(s.t, "snapshot-entries", &limits.SnapshotEntries)
		d.MaybeScanArgs(s.t, "trailing", &limits.TrailingEntries)
		s.net = newNetwork(s.t, limits, "a", "b", "c")
		return "ok"
	case "propose", "prove":
		return s.ask(d)
	case "lines":
		return s.lines()
	}
	return s.do(d.Cmd, d.CmdArgs[0].Key)
}

func (s *transcript) ask(d *datadriven.TestData) string {
	var at string
	d.ScanArgs(s.t, "at", &at)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	g := s.net.nodes[at].group
	if d.Cmd == "prove" {
		term, err := g.ProveLeader(ctx)
		if err == nil && term != g.Term() {
			return fmt.Sprintf("proved term %d while in %d", term, g.Term())
		}
		return errorName(err)
	}
	payload := d.CmdArgs[1].Key
	var number uint64
	if _, err := fmt.Sscanf(payload, "%d", &number); err != nil {
		s.t.Fatal(err)
	}
	_, err := g.Propose(ctx, Proposal{Footprint: []uint64{number}, Payload: []byte(payload)})
	return errorName(err)
}

func (s *transcript) do(what, name string) string {
	switch what {
	case "lead":
		s.net.lead(name)
	case "cut":
		s.net.setCut(name, true)
	case "heal":
		s.net.setCut(name, false)
	case "crash":
		s.net.nodes[name].crash()
	case "snapshot":
		return errorName(s.net.nodes[name].group.Snapshot())
	case "hooks":
		return strings.Join(s.net.nodes[name].heard(), "\n")
	case "wait":
		d, err := time.ParseDuration(name)
		if err != nil {
			s.t.Fatal(err)
		}
		<-time.After(d)
	case "add":
		return errorName(s.net.leader().group.AddVoter(context.Background(), name, name))
	case "remove":
		return errorName(s.net.leader().group.RemoveServer(context.Background(), name))
	default:
		s.t.Fatalf("unknown command %q", what)
	}
	return "ok"
}

func (s *transcript) lines() string {
	s.net.settle()
	var out strings.Builder
	for _, name := range s.net.names {
		m := s.net.nodes[name].machine
		fmt.Fprintf(&out, "%s: %s", name, strings.Join(m.all(), " "))
		if m.order != nil {
			fmt.Fprintf(&out, " (%v)", m.order)
		}
		if !s.net.linked(name, name) {
			out.WriteString(" (cut off)")
		}
		out.WriteString("\n")
	}
	return out.String()
}
