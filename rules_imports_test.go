package vertebra_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the import path of the repository's root.
const module = "vertebra"

// imports is an import as the rules see it: from a folder, of a path. Packages of the
// repository are named by their folder, with own set.
type imports struct {
	from, to  string
	own, test bool
}

// within reports whether a folder or an import path is the given one or below it.
func within(name string, parents ...string) bool {
	return slices.ContainsFunc(parents, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") })
}

// services are the leaf packages under api that hold a service's rules; the folders
// named here hold something else.
func isService(folder string) bool {
	return within(folder, "api") && folder != "api" && !within(folder, "api/proto", "api/access", "api/console", "api/sandbox", "api/apitest")
}

// forbidden are the import diagram's walls, each with its reason.
var forbidden = []struct {
	reason string
	is     func(i imports) bool
}{
	{"arrows go cmd -> bench, api -> cluster -> {consensus, storage, index}: nothing imports a command", func(i imports) bool {
		return i.own && within(i.to, "cmd") && !within(i.from, "cmd")
	}},
	{"bench drives the system from outside: only cmd imports it, and tests its made-up people", func(i imports) bool {
		return i.own && within(i.to, "bench") && !within(i.from, "bench", "cmd") && !(i.test && i.to == "bench/people")
	}},
	{"nothing below api knows FHIR or HTTP's callers", func(i imports) bool {
		return i.own && within(i.to, "api") && within(i.from, "cluster", "consensus", "storage", "index")
	}},
	{"cluster marries consensus, storage and index: they do not know it", func(i imports) bool {
		return i.own && within(i.to, "cluster") && within(i.from, "consensus", "storage", "index")
	}},
	{"consensus, storage and index do not know each other", func(i imports) bool {
		return i.own && slices.ContainsFunc([]string{"consensus", "storage", "index"}, func(part string) bool {
			return within(i.to, part) && within(i.from, "consensus", "storage", "index") && !within(i.from, part)
		})
	}},
	{"api reaches what is stored through cluster; storage/record, the nouns, is all that it may name", func(i imports) bool {
		return i.own && within(i.from, "api") && (within(i.to, "consensus") || within(i.to, "storage") && i.to != "storage/record")
	}},
	{"storage/record is a leaf: nouns without a house", func(i imports) bool {
		return i.own && i.from == "storage/record"
	}},
	{"a service is rules over values: it may not import cluster, net/http or gRPC", func(i imports) bool {
		return isService(i.from) && (i.own && within(i.to, "cluster") || !i.own && (within(i.to, "net/http", "google.golang.org/grpc")))
	}},
	{"a service does not know another; what they share is api/fhir and api/access", func(i imports) bool {
		return i.own && isService(i.from) && isService(i.to) && i.to != "api/fhir" && !within(i.to, i.from) && !within(i.from, i.to)
	}},
	{"only storage imports pebble", func(i imports) bool {
		return within(i.to, "github.com/cockroachdb/pebble", "github.com/cockroachdb/pebble/v2") && !within(i.from, "storage")
	}},
	{"only index imports bleve", func(i imports) bool {
		return within(i.to, "github.com/blevesearch") && !within(i.from, "index")
	}},
	{"only consensus runs raft; cluster names its servers", func(i imports) bool {
		return within(i.to, "github.com/hashicorp/raft") && !within(i.from, "consensus", "cluster")
	}},
	{"only cluster gossips", func(i imports) bool {
		return within(i.to, "github.com/hashicorp/memberlist") && !within(i.from, "cluster")
	}},
	{"nothing below cluster speaks HTTP", func(i imports) bool {
		return within(i.to, "net/http") && within(i.from, "consensus", "storage", "index")
	}},
	{"log/slog is the log: redaction by type works nowhere else", func(i imports) bool {
		return i.to == "log"
	}},
}

// importRule holds code and tests to the diagram. Outside tests (package x_test) are
// held to it too: a test that needs a forbidden neighbour tests the wrong thing.
func importRule(t *tree) (violations []string) {
	for _, s := range t.sources {
		if s.generated {
			continue
		}
		for _, spec := range s.file.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser has refused it already
			}
			i := imports{from: s.dir, to: to, test: s.test}
			if rest, own := strings.CutPrefix(to, module+"/"); own {
				i.to, i.own = rest, true
			}
			for _, wall := range forbidden {
				if wall.is(i) {
					violations = append(violations, fmt.Sprintf("%s imports %s: %s", t.at(spec), to, wall.reason))
				}
			}
		}
	}
	return violations
}

func TestImportDiagram(t *testing.T) {
	importing := func(name, to string) map[string]string {
		return map[string]string{name: "package p\n\nimport _ " + strconv.Quote(to) + "\n"}
	}
	hold(t, importRule, []plant{
		{"allowed", importing("cmd/vertebra/a.go", "vertebra/cluster"), ""},
		{"the nouns", importing("api/demographics/a.go", "vertebra/storage/record"), ""},
		{"within a part", importing("storage/a.go", "vertebra/storage/record"), ""},
		{"people for a test", importing("api/demographics/a_test.go", "vertebra/bench/people"), ""},
		{"shared vocabulary", importing("api/demographics/a.go", "vertebra/api/fhir"), ""},
		{"command", importing("bench/a.go", "vertebra/cmd/vertebra"), "nothing imports a command"},
		{"bench", importing("api/a.go", "vertebra/bench/people"), "only cmd imports it"},
		{"up to api", importing("cluster/a.go", "vertebra/api/fhir"), "nothing below api knows FHIR"},
		{"up to cluster", importing("index/a.go", "vertebra/cluster"), "they do not know it"},
		{"across", importing("consensus/a.go", "vertebra/storage"), "do not know each other"},
		{"across to the nouns", importing("index/a.go", "vertebra/storage/record"), "do not know each other"},
		{"past cluster", importing("api/a.go", "vertebra/storage"), "through cluster"},
		{"leaf", importing("storage/record/a.go", "vertebra/storage"), "is a leaf"},
		{"service and cluster", importing("api/pointers/a.go", "vertebra/cluster"), "rules over values"},
		{"service and HTTP", importing("api/pointers/a.go", "net/http"), "rules over values"},
		{"service and service", importing("api/pointers/a.go", "vertebra/api/demographics"), "does not know another"},
		{"pebble", importing("cluster/a.go", "github.com/cockroachdb/pebble/v2/vfs"), "only storage"},
		{"bleve", importing("storage/a_test.go", "github.com/blevesearch/bleve/v2"), "only index"},
		{"raft", importing("storage/a.go", "github.com/hashicorp/raft"), "only consensus"},
		{"gossip", importing("cmd/vertebra/a.go", "github.com/hashicorp/memberlist"), "only cluster"},
		{"HTTP far down", importing("storage/a.go", "net/http"), "speaks HTTP"},
		{"log", importing("cluster/a.go", "log"), "log/slog"},
	})
}
