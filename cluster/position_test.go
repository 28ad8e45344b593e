package cluster

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func drawPosition(t *rapid.T) Position {
	var p Position
	for range rapid.IntRange(0, 6).Draw(t, "places") {
		p = p.With(Place{
			Shard:      ShardID(rapid.IntRange(0, 9).Draw(t, "shard")),
			Generation: uint32(rapid.IntRange(0, 2).Draw(t, "generation")),
			Index:      rapid.Uint64Range(1, 1<<40).Draw(t, "index"),
		})
	}
	return p
}

func TestPositionSurvivesItsHeader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPosition(t)
		back, err := ParsePosition(p.String())
		if err != nil || back.String() != p.String() {
			t.Fatalf("%v came back as %v, %v", p, back, err)
		}
	})
}

func TestPositionJoinIsALeastUpperBound(t *testing.T) {
	later := func(a, b Place) bool {
		return a.Generation > b.Generation || a.Generation == b.Generation && a.Index >= b.Index
	}
	rapid.Check(t, func(t *rapid.T) {
		p, q := drawPosition(t), drawPosition(t)
		both := p.Join(q)
		for shard := range ShardID(10) {
			got, a, b := both.Of(shard), p.Of(shard), q.Of(shard)
			if !later(got, a) || !later(got, b) || got != a && got != b {
				t.Fatalf("shard %d: %v of %v and %v", shard, got, a, b)
			}
		}
		if p.String() != Position(p).String() || both.String() != q.Join(p).String() {
			t.Fatal("join changed an operand or depends on their order")
		}
	})
}

func TestParsePositionRefusesWhatItDidNotWrite(t *testing.T) {
	for _, s := range []string{"!", "A", "AQ==", "Ag", "AQE", "AQEA", "AQ\n", "AQEA_____________w"} {
		if p, err := ParsePosition(s); !errors.Is(err, ErrBadPosition) {
			t.Errorf("%q: %v, %v", s, p, err)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("")
	f.Add(Position{}.With(Place{1, 0, 7}).With(Place{3, 1, 900}).String())
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePosition(s)
		if err != nil {
			return
		}
		if again, err := ParsePosition(p.String()); err != nil || again.String() != p.String() {
			t.Fatalf("%q: %v, %v", s, again, err)
		}
	})
}
