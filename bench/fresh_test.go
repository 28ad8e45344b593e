package bench

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

// familiesOf is what everybody is called.
func familiesOf(n *fakeNode) map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	families := map[string]string{}
	for number, p := range n.people {
		families[number] = p.family
	}
	return families
}

func expectOldNames(t *testing.T, n *fakeNode, before map[string]string) {
	t.Helper()
	for number, family := range familiesOf(n) {
		if before[number] != family {
			t.Errorf("somebody called %q is now called %q", before[number], family)
		}
	}
}

func TestFreshFindsAll(t *testing.T) {
	s := someSettings()
	node, target := startNode(t, s)
	before := familiesOf(node)
	const count = 7
	results, err := Fresh(t.Context(), target, s, count)
	if err != nil {
		t.Fatal(err)
	}
	if ways := len(freshWays()); len(results) != ways+1 || node.patches != count*(ways+1) || results[0].Operations != int64(node.patches) {
		t.Errorf("%d results, %d patches, %d counted", len(results), node.patches, results[0].Operations)
	}
	for _, r := range results[1:] {
		if r.Operations != count || r.Wrong() != 0 {
			t.Errorf("%s: found %d of %d, faults %v", r.Workload, r.Operations, count, r.Faults)
		}
	}
	expectOldNames(t, node, before)
}

// TestFreshNoticesAnIndexThatLags: not found, or found as it was before.
func TestFreshNoticesAnIndexThatLags(t *testing.T) {
	for name, plant := range map[string]struct {
		fault  string
		search func([]*fakePerson) (int, string)
	}{
		"not found": {faultMissing, func([]*fakePerson) (int, string) { return http.StatusOK, bundle(nil, current) }},
		"found as was": {faultStale, func(found []*fakePerson) (int, string) {
			return http.StatusOK, bundle(found, func(p *fakePerson) int { return p.last })
		}},
		"failing": {"HTTP 500", func([]*fakePerson) (int, string) { return http.StatusInternalServerError, "" }},
	} {
		t.Run(name, func(t *testing.T) {
			s := someSettings()
			node, target := startNode(t, s)
			node.search = plant.search
			before := familiesOf(node)
			results, err := Fresh(t.Context(), target, s, 4)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results[1:] {
				if r.Operations != 0 || r.Faults[plant.fault] != 4 || r.Wrong() != 4 {
					t.Errorf("%s: found %d, faults %v", r.Workload, r.Operations, r.Faults)
				}
			}
			expectOldNames(t, node, before)
		})
	}
}

func TestFreshGivesNamesBackWhenItIsStopped(t *testing.T) {
	s := someSettings()
	s.Clients = 1
	node, target := startNode(t, s)
	before := familiesOf(node)
	ctx, cancel := context.WithCancel(t.Context())
	node.search = func(found []*fakePerson) (int, string) { cancel(); return http.StatusOK, bundle(found, current) }
	if _, err := Fresh(ctx, target, s, 4); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if node.patches != 2 {
		t.Errorf("%d patches, want one there and one back", node.patches)
	}
	expectOldNames(t, node, before)
}

func TestFreshCountsWritesThatFail(t *testing.T) {
	s := someSettings()
	node, target := startNode(t, s)
	node.read = func(number string) (int, string) {
		p := *node.people[number]
		return http.StatusOK, p.json(p.version + 1)
	}
	results, err := Fresh(t.Context(), target, s, 3)
	if err != nil {
		t.Fatal(err)
	}
	if w := results[0]; w.Operations != 0 || w.Faults["HTTP 409"] == 0 || node.patches != 0 {
		t.Errorf("%d writes, faults %v", w.Operations, w.Faults)
	}
	node.read = func(string) (int, string) { return http.StatusOK, `{"id":"1"}` }
	results, err = Fresh(t.Context(), target, s, 3)
	if err != nil || results[0].Faults[faultOther] != 3 {
		t.Errorf("nobody to rename: %v, faults %v", err, results[0].Faults)
	}
}
