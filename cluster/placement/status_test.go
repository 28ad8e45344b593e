package placement

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", file, got, want)
	}
}

// busyWorld is a cluster with a lost node, one that drains and a move on its way.
func busyWorld(t *testing.T) *world {
	w := newWorld(t, newNodes("leeds", "london", "exeter", "leeds", "exeter"), newShards(3), Settings{})
	for i := range w.nodes {
		w.nodes[i].Version = "v1.2"
		w.nodes[i].Load = Load{WritesPerSecond: float64(100 * i), ReadsPerSecond: 2500, CPU: 0.37, DiskUsedBytes: 3 << 30, DiskFreeBytes: 90 << 30}
	}
	w.nodes[4].Load.ReadOnly = true
	return w
}

func (w *world) status() Status {
	var groups []Group
	for _, g := range w.groups {
		groups = append(groups, *g)
	}
	return Describe(w.placement, w.nodes, groups, w.settings, w.now)
}

func TestStatusText(t *testing.T) {
	w := busyWorld(t)
	golden(t, "status_quiet.txt", w.status().Text())
	w.set("n01", func(n *Node) { n.State = Draining })
	w.round()
	w.now = w.now.Add(75 * time.Second)
	w.round()
	w.set("n03", func(n *Node) { *n, _ = n.Witness(true, w.now) })
	golden(t, "status_moving.txt", w.status().Text())
}

func TestStatusJSON(t *testing.T) {
	w := busyWorld(t)
	w.set("n01", func(n *Node) { n.State = Draining })
	w.round()
	encoded, err := json.MarshalIndent(w.status(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "status_moving.json", string(encoded)+"\n")
}

func TestRouteText(t *testing.T) {
	w := busyWorld(t)
	g := *w.groups[3] // on n02, n04 and n05
	var text strings.Builder
	for _, from := range []string{"n02", "n04", "n01", "n03"} {
		r, ok := Explain(w.placement, w.nodes, []Group{g}, 3000, from)
		if !ok {
			t.Fatal("the slot is nowhere")
		}
		text.WriteString(r.Text() + "\n")
	}
	golden(t, "route.txt", text.String())
	w.set("n02", func(n *Node) { n.Down = true })
	r, _ := Explain(w.placement, w.nodes, []Group{g}, 3000, "n04")
	if !strings.HasPrefix(r.Write, "refused") || !strings.HasPrefix(r.Linearizable, "refused") || r.Bounded != "here" {
		t.Errorf("with a dead leader: %+v", r)
	}
	if _, ok := Explain(w.placement, w.nodes, nil, 9999, "n01"); ok {
		t.Error("a slot that there is not was found")
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, newNodes(drawCentres(t)...), newShards(rapid.IntRange(1, 9).Draw(t, "shards")), Settings{})
		for range rapid.IntRange(0, 3).Draw(t, "events") {
			w.happen(t)
			w.round()
		}
		encoded, err := EncodePlacement(w.placement)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := DecodePlacement(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(decoded) != fmt.Sprint(w.placement) {
			t.Fatalf("%+v\nbecame\n%+v", w.placement, decoded)
		}
		node := w.nodes[0]
		node.Addresses = Addresses{"a:1", "b:2", "c:3", "d:4"}
		encoded, _ = EncodeNode(node)
		node.Down, node.Load = false, Load{}
		if got, err := DecodeNode(encoded); err != nil || !reflect.DeepEqual(got, node) {
			t.Fatalf("%+v became %+v: %v", node, got, err)
		}
	})
}

func TestSettingsRoundTrip(t *testing.T) {
	want := Settings{Voters: 5, ReadingCentres: []string{"r"}, Moves: 3, Grace: time.Minute}
	encoded, err := EncodeSettings(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeSettings(encoded); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v: %v", got, err)
	}
}

func TestRecordsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want error
	}{
		"later build":    {`{"format":2,"future":true}`, ErrFormat},
		"no format":      {`{"version":1}`, ErrMalformed},
		"not JSON":       {`{`, ErrMalformed},
		"unknown member": {`{"format":1,"future":true}`, ErrMalformed},
		"shard twice":    {`{"format":1,"shards":[{"id":1},{"id":1}]}`, ErrMalformed},
		"slots reversed": {`{"format":1,"shards":[{"id":1,"low":2,"high":1}]}`, ErrMalformed},
		"unknown shard":  {`{"format":1,"moves":[{"shard":7}]}`, ErrMalformed},
		"server":         {`{"format":1,"shards":[{"id":1,"voters":["n1"]}]}`, ErrMalformed},
	} {
		if _, err := DecodePlacement([]byte(test.body)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodeNode([]byte(`{"format":1,"id":"n1","incarnation":"a","state":"odd"}`)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a node in no state: %v", err)
	}
}

func TestAThousandShardsFitOneMutation(t *testing.T) {
	var centres []string
	for i := range 30 {
		centres = append(centres, fmt.Sprintf("dc%d", i%3))
	}
	w := newWorld(t, newNodes(centres...), newShards(1000), Settings{})
	for i := range w.placement.Replicas {
		w.placement.Replicas[i].Server.Incarnation = strings.Repeat("f", 16)
	}
	encoded, err := EncodePlacement(w.placement)
	if err != nil || len(encoded) > 512<<10 {
		t.Errorf("%d bytes: %v", len(encoded), err)
	}
}
