package vertebra_test

import (
	"fmt"
	"go/format"
	"path"
	"regexp"
	"strings"
	"testing"
)

// machinePattern finds what is true on one machine only: folders of somebody's, and
// hosts that packages are fetched from. Some words are spelt in two parts so that this
// file does not find itself.
var machinePattern = regexp.MustCompile(`(?m)(?:^|[\s"'(=` + "`" + `])(?:/(?:work|farm|root|home|Users)/[A-Za-z0-9._-]+)|` +
	`\b(?:GO` + `PROXY|GO` + `SUMDB|GONO` + `SUMDB)\b|\b(?:registry|proxy|artifactory|nexus)\.[a-z0-9-]+\.(?:org|com|io|net|internal|local)\b`)

func machineRule(t *tree) (violations []string) {
	for _, name := range t.names {
		if name == "go.sum" || strings.HasSuffix(name, ".pb.go") {
			continue
		}
		for n, line := range strings.Split(t.files[name], "\n") {
			if found := machinePattern.FindString(line); found != "" {
				violations = append(violations, fmt.Sprintf("%s:%d: %q is of one machine", name, n+1, strings.TrimSpace(found)))
			}
		}
	}
	return violations
}

func TestNothingNamesAMachine(t *testing.T) {
	hold(t, machineRule, []plant{
		{"URLs and FHIR paths", map[string]string{"a.md": "GET /personal-demographics/FHIR/R4, see https://digital.nhs.uk/home/page, /address/0/home\n"}, ""},
		{"home", map[string]string{"a.md": "see /ho" + "me/alice/notes\n"}, "of one machine"},
		{"work", map[string]string{"a.sh": "cd \"/wo" + "rk/main\"\n"}, "of one machine"},
		{"proxy", map[string]string{"a.sh": "export GO" + "PROXY=x\n"}, "of one machine"},
		{"registry", map[string]string{"a.yaml": "url: registry" + ".example.com\n"}, "of one machine"},
	})
}

func formatRule(t *tree) (violations []string) {
	for _, s := range t.sources {
		formatted, err := format.Source([]byte(s.text))
		if err != nil || string(formatted) != s.text {
			violations = append(violations, s.name+": gofmt would change it")
		}
	}
	return violations
}

func TestFormat(t *testing.T) {
	hold(t, formatRule, []plant{
		{"formatted", map[string]string{"a/a.go": "package a\n"}, ""},
		{"not", map[string]string{"a/a.go": "package a\n\n\n\nvar  x = 1\n"}, "gofmt"},
	})
}

// isDocument reports whether a file promises something to a reader.
func isDocument(name string) bool {
	return name == "README.md" || path.Base(name) == "DESIGN.md" || path.Dir(name) == "docs" && path.Ext(name) == ".md"
}

var (
	fencePattern   = regexp.MustCompile("(?s)```[a-z]*\n(.*?)```")
	codePattern    = regexp.MustCompile("`([^`\n]+)`")
	linkPattern    = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	pathPattern    = regexp.MustCompile(`^\.{0,2}/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*/?$`)
	commandPattern = regexp.MustCompile(`(?:^|[\s;|(&])(?:go run )?(?:\./cmd/vertebra|(?:\./)?vertebra) ([a-z][a-z-]*)((?:\s+[^\s;|&]+)*)`)
	flagPattern    = regexp.MustCompile(`(?:^|\s)--([a-z][a-z-]*)`)
	usePattern     = regexp.MustCompile(`Use:\s+"([a-z-]+)`)
	testPattern    = regexp.MustCompile(`\b((?:Test|Benchmark|Fuzz)[A-Z][A-Za-z0-9_]*)\b`)
)

// documentRule: a document names only files, commands, flags and tests that exist.
func documentRule(t *tree) (violations []string) {
	known := namesOf(t)
	for _, name := range t.names {
		if !isDocument(name) {
			continue
		}
		text := t.files[name]
		for _, link := range linkPattern.FindAllStringSubmatch(text, -1) {
			if !t.exists(path.Join(path.Dir(name), link[1])) {
				violations = append(violations, fmt.Sprintf("%s: links to %s, which is not there", name, link[1]))
			}
		}
		for _, code := range codeOf(text) {
			for _, wrong := range known.wrongIn(t, path.Dir(name), code) {
				violations = append(violations, name+": "+wrong)
			}
		}
	}
	return violations
}

// codeOf returns the pieces of a document that stand as code: each line of a fenced
// block and each word in backquotes.
func codeOf(text string) (code []string) {
	for _, fence := range fencePattern.FindAllStringSubmatch(text, -1) {
		code = append(code, strings.Split(fence[1], "\n")...)
	}
	for _, word := range codePattern.FindAllStringSubmatch(fencePattern.ReplaceAllString(text, ""), -1) {
		code = append(code, word[1])
	}
	return code
}

// knownNames is what documents may speak of, as the sources have it.
type knownNames struct {
	commands, strings, tests map[string]bool
	files                    map[string]bool // without their folders: "every doc.go"
}

var literalPattern = regexp.MustCompile(`"([a-z][a-z-]*)"`)

// namesOf collects commands and flags from the sources of the command line itself. Any
// literal there may be a flag's name: flags that are added in a loop are known too.
func namesOf(t *tree) knownNames {
	known := knownNames{map[string]bool{"help": true, "completion": true}, map[string]bool{"help": true}, map[string]bool{}, map[string]bool{}}
	for _, name := range t.names {
		known.files[path.Base(name)] = true
	}
	for _, s := range t.sources {
		if s.test {
			for _, id := range declared(s.file) {
				known.tests[id.Name] = true
			}
		} else if within(s.dir, "cmd") {
			for _, use := range usePattern.FindAllStringSubmatch(s.text, -1) {
				known.commands[use[1]] = true
			}
			for _, literal := range literalPattern.FindAllStringSubmatch(s.text, -1) {
				known.strings[literal[1]] = true
			}
		}
	}
	return known
}

// wrongIn returns what a piece of code names that does not exist.
func (k knownNames) wrongIn(t *tree, dir, code string) (wrong []string) {
	if command := commandPattern.FindStringSubmatch(code); command != nil {
		if !k.commands[command[1]] {
			wrong = append(wrong, fmt.Sprintf("there is no command %q", "vertebra "+command[1]))
		}
		for _, flag := range flagPattern.FindAllStringSubmatch(command[2], -1) {
			if !k.strings[flag[1]] {
				wrong = append(wrong, fmt.Sprintf("vertebra %s has no flag --%s", command[1], flag[1]))
			}
		}
	}
	for _, test := range testPattern.FindAllStringSubmatch(code, -1) {
		if !k.tests[test[1]] {
			wrong = append(wrong, fmt.Sprintf("there is no %s", test[1]))
		}
	}
	if isPathHere(t, code) && !t.exists(code) && !t.exists(path.Join(dir, code)) && !k.files[code] {
		wrong = append(wrong, code+" is not there")
	}
	return wrong
}

// isPathHere reports whether a word is meant as a file or folder of the repository: it
// begins with a folder that there is, or ends like a file that we write.
func isPathHere(t *tree, word string) bool {
	if !pathPattern.MatchString(word) || strings.HasPrefix(word, "/") {
		return false
	}
	first, rest, nested := strings.Cut(strings.TrimPrefix(word, "./"), "/")
	if nested && rest != "" && t.exists(first) {
		return true
	}
	switch path.Ext(word) {
	case ".go", ".md", ".proto":
		return true
	}
	return false
}

func TestDocumentsNameOnlyWhatExists(t *testing.T) {
	with := func(text string) map[string]string {
		return map[string]string{
			"README.md": text, "docs/a.md": "", "storage/doc.go": "// Package storage is.\npackage storage\n",
			"cmd/vertebra/a.go":   "package main\n\nvar c = cobra.Command{Use: \"dev --x\"}\n\nfunc f() { flags.Int(\"nodes\", 1) }\n",
			"storage/key_test.go": "package storage\n\nfunc FuzzKey() {}\n",
		}
	}
	hold(t, documentRule, []plant{
		{"what is there", with("`storage/`, `storage/doc.go`, every `doc.go`, [a](docs/a.md#top), `vertebra dev --nodes 1`, `FuzzKey`, `n/a`, `application/json`, `GET /a/b.go`\n"), ""},
		{"a block", with("```sh\ngo run ./cmd/vertebra dev --nodes 1 & curl --fail x\n```\n"), ""},
		{"file", with("see `storage/keys.go`\n"), "storage/keys.go is not there"},
		{"bare file", with("see `keys.go`\n"), "keys.go is not there"},
		{"link", with("see [b](docs/b.md)\n"), "links to docs/b.md"},
		{"command", with("run `vertebra fly`\n"), `no command "vertebra fly"`},
		{"command in a block", with("```sh\n./vertebra fly\n```\n"), `no command "vertebra fly"`},
		{"flag", with("run `vertebra dev --fast`\n"), "no flag --fast"},
		{"test", with("run `go test -run TestFlight ./storage`\n"), "no TestFlight"},
	})
}

// fuzzRule: docs/testing.md lists every fuzz target with the command that runs it, so
// that none is forgotten when all are run.
func fuzzRule(t *tree) (violations []string) {
	for _, s := range t.sources {
		for _, id := range declared(s.file) {
			if !s.test || !strings.HasPrefix(id.Name, "Fuzz") {
				continue
			}
			if want := fmt.Sprintf("-fuzz '^%s$' -fuzztime 60s ./%s\n", id.Name, s.dir); !strings.Contains(t.files["docs/testing.md"], want) {
				violations = append(violations, fmt.Sprintf("%s: docs/testing.md has no line %q", t.at(id), "go test -run - "+strings.TrimSpace(want)))
			}
		}
	}
	return violations
}

func TestFuzzTargetsAreListed(t *testing.T) {
	with := func(list string) map[string]string {
		return map[string]string{"docs/testing.md": list, "a/a_test.go": "package a\n\nfunc FuzzKey() {}\n"}
	}
	hold(t, fuzzRule, []plant{
		{"listed", with("go test -run - -fuzz '^FuzzKey$' -fuzztime 60s ./a\n"), ""},
		{"forgotten", with("\n"), "FuzzKey"},
		{"another folder's", with("go test -run - -fuzz '^FuzzKey$' -fuzztime 60s ./a/b\n"), "FuzzKey"},
	})
}
