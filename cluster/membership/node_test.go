package membership

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"pgregory.net/rapid"
)

func drawLoad(t *rapid.T) Load {
	number := rapid.Uint64()
	return Load{number.Draw(t, "w"), number.Draw(t, "r"), number.Draw(t, "c"), number.Draw(t, "u"), number.Draw(t, "f"), rapid.Bool().Draw(t, "ro")}
}

func TestCardsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 40, maxStringBytes)
		c := card{
			node: Node{
				ID: "n" + rapid.StringN(0, 40, 200).Draw(t, "id"), Incarnation: "i", DataCentre: text.Draw(t, "dc"), HTTP: text.Draw(t, "http"),
				GRPC: text.Draw(t, "grpc"), Peer: text.Draw(t, "peer"), Version: text.Draw(t, "version"),
				Started: time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, "started")).UTC(), Load: drawLoad(t),
			},
			founding: founding{rapid.Uint64().Draw(t, "expect"), rapid.Uint64().Draw(t, "seen"), rapid.Uint64().Draw(t, "vote"), rapid.Bool().Draw(t, "founded")},
			leaving:  rapid.Bool().Draw(t, "leaving"),
		}
		encoded := c.encode()
		later := append(bytes.Clone(encoded), "what a later build adds"...)
		for _, b := range [][]byte{encoded, later} {
			if got, err := decodeCard(b); err != nil || got != c {
				t.Fatalf("%+v became %+v: %v", c, got, err)
			}
		}
		for cut := range encoded {
			if _, err := decodeCard(encoded[:cut]); err == nil {
				t.Fatalf("%d of %d bytes were taken for a card", cut, len(encoded))
			}
		}
	})
}

func TestReportsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := report{"n1", rapid.Int64().Draw(t, "started"), rapid.Uint64().Draw(t, "number"), drawLoad(t)}
		encoded := r.encode()
		if got, err := decodeReport(encoded); err != nil || got != r {
			t.Fatalf("%+v became %+v: %v", r, got, err)
		}
		for cut := range encoded {
			if _, err := decodeReport(encoded[:cut]); err == nil {
				t.Fatalf("%d of %d bytes were taken for a report", cut, len(encoded))
			}
		}
	})
}

func FuzzMessages(f *testing.F) {
	f.Add(card{node: Node{ID: "n1", Incarnation: "a"}}.encode())
	f.Add(report{id: "n1", number: math.MaxUint64}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeCard(b); err == nil {
			if again, err := decodeCard(c.encode()); err != nil || again != c {
				t.Errorf("%+v became %+v: %v", c, again, err)
			}
		}
		v := newVoice(card{}, newTable("n1", time.Now))
		v.NotifyMsg(b)
		v.MergeRemoteState(b, false)
	})
}

func TestANodeThatSaysTooMuch(t *testing.T) {
	config := Config{Node: Node{ID: "n1", Incarnation: "a"}, Open: true, Bind: "127.0.0.1:0"}
	config.Node.HTTP, config.Node.GRPC = strings.Repeat("h", 250), strings.Repeat("g", 250)
	if _, err := Start(config); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
	config.Node.HTTP, config.Node.GRPC = strings.Repeat("h", maxStringBytes+1), ""
	if _, err := Start(config); err == nil {
		t.Error("a text that nobody can read was taken")
	}
	usual := card{node: Node{
		ID: "node-017", Incarnation: "0123456789abcdef", DataCentre: "leeds-east-2", HTTP: "node-017.leeds.example.org:8080",
		GRPC: "node-017.leeds.example.org:9090", Peer: "node-017.leeds.example.org:7000", Version: "v1.22.333-0123456789ab",
	}}
	if size := len(usual.encode()); size > memberlist.MetaMaxSize/2 {
		t.Errorf("a usual card takes %d bytes", size)
	}
}

func TestParseKeys(t *testing.T) {
	one, two := base64.StdEncoding.EncodeToString(testKey), base64.StdEncoding.EncodeToString(make([]byte, 32))
	keys, err := ParseKeys([]byte("# gossip\n\n" + one + "\r\n" + two))
	if err != nil || len(keys) != 2 || !bytes.Equal(keys[0], testKey) {
		t.Errorf("%d keys: %v", len(keys), err)
	}
	for name, file := range map[string]string{
		"empty": "", "not base64": "?secret?", "short": base64.StdEncoding.EncodeToString(make([]byte, 15)),
		"too many": strings.Repeat(one+"\n", maxKeys+1),
	} {
		if _, err := ParseKeys([]byte(file)); !errors.Is(err, ErrKeys) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigsThatAreRefused(t *testing.T) {
	good := Config{Node: Node{ID: "n1", Incarnation: "a"}, Keys: [][]byte{testKey}, Bind: "127.0.0.1:0"}
	for name, spoil := range map[string]func(*Config){
		"no id":          func(c *Config) { c.Node.ID = "" },
		"no incarnation": func(c *Config) { c.Node.Incarnation = "" },
		"no key":         func(c *Config) { c.Keys = nil },
		"odd key":        func(c *Config) { c.Keys = [][]byte{{1}} },
		"founders":       func(c *Config) { c.Expect = maxFounders + 1 },
		"profile":        func(c *Config) { c.Profile = 9 },
		"bind":           func(c *Config) { c.Bind = "nowhere" },
		"advertise":      func(c *Config) { c.Advertise = "host:1" },
	} {
		config := good
		spoil(&config)
		if g, err := Start(config); err == nil {
			t.Errorf("%s was taken", name)
			_ = g.Close()
		}
	}
}
