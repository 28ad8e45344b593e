package consensus

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestRaftChatterIsQuiet(t *testing.T) {
	var out bytes.Buffer
	handler := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})
	l := newRaftLogger(slog.New(handler))
	l.Debug("chatter")
	l.Info("entering follower state")
	if out.Len() != 0 {
		t.Errorf("at info level: %s", &out)
	}
	l.Warn("election timeout reached", "last-leader", hclog.Fmt("%s/%d", "a", 1))
	l.Named("sub").Error("failed to heartbeat", "peer", "b")
	for _, want := range []string{`level=INFO msg="raft: election timeout reached" last-leader=a/1`, "level=WARN", `peer=b`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, &out)
		}
	}
}

// TestNoPayloadIsLogged runs a group with everything logged that there is to log.
func TestNoPayloadIsLogged(t *testing.T) {
	const secret = "9000000009"
	var out bytes.Buffer
	c := loneConfig(newMemoryLog(), &ledger{})
	c.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g := openLone(t, c)
	propose(t, g, secret)
	must(t, g.Snapshot())
	closeGroup(t, g)
	if out.Len() == 0 || strings.Contains(out.String(), secret) {
		t.Errorf("logged: %s", &out)
	}
}
