package index

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// fieldNames are the fields of the test profile as scripts name them.
func fieldNames() map[string]Field {
	return map[string]Field{
		"family": family, "given": given, "past": past, "sound": sound,
		"birth": birth, "postcode": postcode, "notes": notes,
	}
}

func nameOfField(f Field) string {
	for name, number := range fieldNames() {
		if number == f {
			return name
		}
	}
	return fmt.Sprint(f)
}

// TestPlan reads like EXPLAIN: a conjunction, one criterion a line, and the plan.
func TestPlan(t *testing.T) {
	p := person()
	datadriven.RunTest(t, "testdata/plan", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "profile":
			return explainProfile(p)
		case "plan":
			var all []Criterion
			for line := range strings.Lines(d.Input) {
				all = append(all, parseCriterion(t, line))
			}
			return explain(p, all)
		}
		t.Fatalf("unknown command %q", d.Cmd)
		return ""
	})
}

// parseCriterion reads "family|past prefix smi, smy".
func parseCriterion(t *testing.T, line string) Criterion {
	ops := map[string]Op{"is": Equal, "prefix": Prefix, "between": Range, "like": Wildcard, "words": Words}
	fields, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	op, values, _ := strings.Cut(rest, " ")
	c := Criterion{Op: ops[op], Values: strings.Split(values, ", ")}
	if c.Op == 0 {
		t.Fatalf("unknown operator in %q", line)
	}
	if c.Op == Range {
		c.Values = strings.Split(values, "..")
	}
	for name := range strings.SplitSeq(fields, "|") {
		c.Fields = append(c.Fields, fieldNames()[name])
	}
	return c
}

func explainProfile(p *Profile) string {
	var b strings.Builder
	for _, c := range p.Composites {
		fmt.Fprintf(&b, "%d: %s\n", c.Number, c.describe())
	}
	return b.String()
}

func (c Composite) describe() string {
	var parts []string
	for _, part := range c.Parts {
		name := nameOfField(part.Field)
		if part.First > 0 {
			name = fmt.Sprintf("%s[:%d]", name, part.First)
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, "|")
}

func explain(p *Profile, all []Criterion) string {
	scans, ok := p.Plan(all)
	if !ok {
		return "engine\n"
	}
	if len(scans) == 0 {
		return "nothing\n"
	}
	var b strings.Builder
	for i, s := range scans {
		if i == 6 {
			fmt.Fprintf(&b, "... %d scans\n", len(scans))
			break
		}
		for _, c := range p.Composites {
			if c.Number == s.Field {
				fmt.Fprintf(&b, "scan %s from %s to below %s\n", c.describe(), readable(s.Low), readable(s.High))
			}
		}
	}
	return b.String()
}

// readable shows a key with a bar for the separator.
func readable(key []byte) string {
	if len(key) == 0 {
		return "end"
	}
	return strings.NewReplacer("\x00", "|", "\x01", "|+").Replace(string(key))
}
