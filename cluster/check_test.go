package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vertebra/index"
	"vertebra/storage/record"
)

func checked(t *testing.T, n *Node) (CheckReport, []string) {
	t.Helper()
	var lines []string
	report, err := n.Check(t.Context(), CheckOptions{Found: func(line string) { lines = append(lines, line) }})
	if err != nil {
		t.Fatal(err)
	}
	return report, lines
}

func TestCheckAgreesWithASoundNode(t *testing.T) {
	dir := t.TempDir()
	n := startNode(t, testConfig(dir))
	for i := range 500 {
		subject := record.Subject(fmt.Sprint("s", i%300)) // some are changed
		decide(t, n, subject, record.RequestID{}, put(subject, fmt.Sprint("name", i), fmt.Sprint("town", i%7)))
	}
	if report, lines := checked(t, n); report.Findings != 0 || report.Indexed != 300 {
		t.Errorf("%+v %v", report, lines)
	}
	closeNode(t, n)
	n = startNode(t, testConfig(dir))
	defer closeNode(t, n)
	if report, lines := checked(t, n); report.Findings != 0 || report.Indexed != 300 {
		t.Errorf("after a restart: %+v %v", report, lines)
	}
}

// Each way in which bleve can differ from state is planted and found.
func TestCheckFindsWhatIsWrongInTheIndex(t *testing.T) {
	for problem, plant := range map[string]func(n *Node, r *replica) error{
		"lacks a document": func(n *Node, r *replica) error {
			return n.index.Append([]index.Update{{Shard: uint16(r.id), Index: r.state.AppliedIndex(), ID: documentID(person("s1")), Profile: 1}})
		},
		"does not have": func(n *Node, r *replica) error {
			return n.index.Append([]index.Update{{Shard: uint16(r.id), Index: r.state.AppliedIndex(), ID: documentID(person("nobody")), Profile: 1,
				Document: index.Document{}.With(fieldTown, "hull")}})
		},
		"other terms": func(n *Node, r *replica) error {
			return n.index.Append([]index.Update{{Shard: uint16(r.id), Index: r.state.AppliedIndex(), ID: documentID(person("s1")), Profile: 1,
				Document: index.Document{}.With(fieldTown, "hull")}})
		},
	} {
		t.Run(problem, func(t *testing.T) {
			n := startNode(t, testConfig(t.TempDir()))
			defer closeNode(t, n)
			decide(t, n, "s1", record.RequestID{}, put("s1", "ann", "leeds"))
			if err := plant(n, n.replicaOf("s1")); err != nil {
				t.Fatal(err)
			}
			report, lines := checked(t, n)
			if report.Findings != 1 || len(lines) != 1 || !strings.Contains(lines[0], problem) || strings.Contains(lines[0], "s1") {
				t.Errorf("%d findings: %v", report.Findings, lines)
			}
		})
	}
}

// An index whose folder was removed is rebuilt from state.
func TestARemovedIndexIsRebuilt(t *testing.T) {
	dir := t.TempDir()
	n := startNode(t, testConfig(dir))
	for i := range 300 {
		subject := record.Subject(fmt.Sprint("s", i))
		decide(t, n, subject, record.RequestID{}, put(subject, fmt.Sprint("name", i), "leeds"))
	}
	if err := n.index.Flush(t.Context()); err != nil { // so that the store's queue is dropped
		t.Fatal(err)
	}
	closeNode(t, n)
	removeIndex(t, dir)
	n = startNode(t, testConfig(dir))
	defer closeNode(t, n)
	if report, lines := checked(t, n); report.Findings != 0 || report.Indexed != 300 {
		t.Errorf("%+v %v", report, lines)
	}
}

func removeIndex(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "index")); err != nil {
		t.Fatal(err)
	}
}
