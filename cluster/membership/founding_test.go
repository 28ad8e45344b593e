package membership

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

type outcome struct {
	by   string
	list string
	err  error
}

// found starts one node per number that expects so many founders, and returns what each
// was told.
func found(t *testing.T, n *network, expect int, numbers []int, within time.Duration) map[string]outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	outcomes := make(chan outcome, len(numbers))
	for _, number := range numbers {
		config := testConfig(n, number)
		config.Expect = expect
		g := startGossip(t, config)
		go func() {
			_ = g.Join(ctx, []string{fmt.Sprintf("127.0.0.1:%d", numbers[0])}) // the first joins itself
			founders, err := g.WaitForExpected(ctx, expect)
			var ids []string
			for _, m := range founders {
				ids = append(ids, m.ID)
			}
			outcomes <- outcome{config.Node.ID, strings.Join(ids, " "), err}
		}()
	}
	got := map[string]outcome{}
	for range numbers {
		o := <-outcomes
		got[o.by] = o
	}
	return got
}

func TestFoundersAgree(t *testing.T) {
	for _, expect := range []int{1, 3, 5} {
		bubble(t, func(t *testing.T) {
			numbers := []int{4, 2, 5, 1, 3}[:expect]
			var lists = map[string]bool{}
			for _, o := range found(t, newNetwork(), expect, numbers, 5*time.Minute) {
				if o.err != nil {
					t.Errorf("%s: %v", o.by, o.err)
				}
				lists[o.list] = true
			}
			if len(lists) != 1 {
				t.Errorf("%d founders: lists %v", expect, lists)
			}
		})
	}
}

func TestTwoFoundersOfThreeWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, o := range found(t, newNetwork(), 3, []int{1, 2}, time.Hour) {
			if !errors.Is(o.err, context.DeadlineExceeded) {
				t.Errorf("%s founded with %q: %v", o.by, o.list, o.err)
			}
		}
	})
}

func TestOneTooManyFoundsNothingElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		lists := map[string]bool{}
		for _, o := range found(t, newNetwork(), 3, []int{2, 3, 4, 1}, time.Hour) {
			if o.err == nil {
				lists[o.list] = true
			}
		}
		if len(lists) > 1 {
			t.Errorf("two foundings: %v", lists)
		}
	})
}

// TestNobodyFoundsBesideACluster: the same command line on a later node, and on a
// founder that crashed after its vote.
func TestNobodyFoundsBesideACluster(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork()
		var nodes []*Gossip
		lists := make(chan string, 3)
		for number := 1; number <= 3; number++ {
			config := testConfig(n, number)
			config.Expect = 3
			g := startGossip(t, config)
			nodes = append(nodes, g)
			if err := g.Join(t.Context(), []string{nodes[0].Address()}); err != nil {
				t.Fatal(err)
			}
			go func() {
				founders, err := g.WaitForExpected(t.Context(), 3)
				lists <- fmt.Sprint(len(founders), err)
			}()
		}
		for range nodes {
			if got := <-lists; got != "3 <nil>" {
				t.Fatalf("founded: %s", got)
			}
		}
		nodes[0].SetFounded()
		nodes[1].SetFounded()
		later := testConfig(n, 9)
		later.Node.ID, later.Expect = "n0", 3
		if _, err := joinAndFound(t, later, nodes[0]); !errors.Is(err, ErrFounded) {
			t.Errorf("a later node: %v", err)
		}
		if err := nodes[2].Close(); err != nil {
			t.Fatal(err)
		}
		again := testConfig(n, 3)
		again.Expect = 3
		if founders, err := joinAndFound(t, again, nodes[0]); !errors.Is(err, ErrFounded) && len(founders) != 3 {
			t.Errorf("a founder that came back: %d founders, %v", len(founders), err)
		}
	})
}

func joinAndFound(t *testing.T, config Config, with *Gossip) ([]Member, error) {
	t.Helper()
	g := startGossip(t, config)
	if err := g.Join(t.Context(), []string{with.Address()}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	return g.WaitForExpected(ctx, config.Expect)
}

func TestOnlyFoundersFound(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := startGossip(t, testConfig(newNetwork(), 1))
		if _, err := g.WaitForExpected(t.Context(), 1); !errors.Is(err, ErrNotFounding) {
			t.Errorf("a node of a cluster founds another: %v", err)
		}
	})
}

// TestAVoteIsForEver: the votes that a node says never change, whatever it sees, so two
// lists that share a node cannot both stand.
func TestAVoteIsForEver(t *testing.T) {
	members := func(ids ...string) (list []Member) {
		for _, id := range ids {
			list = append(list, Member{Node: Node{ID: id, Incarnation: "a"}, Liveness: Alive})
		}
		return list
	}
	first, second := members("n2", "n3"), members("n1", "n2")
	all := func(seen uint64) map[string]founding {
		f := founding{expect: 2, seen: seen}
		return map[string]founding{"n1": f, "n2": f, "n3": f}
	}
	f := founding{expect: 2}.settle(first, all(0))
	if f.vote != 0 || f.seen != digest(first) {
		t.Fatalf("voted before the others saw the list: %+v", f)
	}
	f = f.settle(first, all(digest(first)))
	if f.vote != digest(first) {
		t.Fatalf("no vote: %+v", f)
	}
	f = f.settle(second, all(digest(second)))
	if f.vote != digest(first) || f.seen != digest(second) {
		t.Errorf("the vote changed: %+v", f)
	}
}
