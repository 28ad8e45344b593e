// Package vertebra_test holds the whole repository to its own rules: who may import
// whom, what is documented, what things are called, what the documents promise.
//
// A rule is a function from a tree of files to violations. It runs twice: over the
// repository, where it must find nothing, and over small trees with one violation
// planted in each, where it must find exactly that. A rule that cannot fail is none.
package vertebra_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tree is the repository as the rules see it: file names, slash-separated and
// relative to its root, and what the files hold.
type tree struct {
	files   map[string]string
	names   []string // of files, sorted
	sources []source
	fset    *token.FileSet
}

// source is one Go file.
type source struct {
	name, dir       string
	test, generated bool
	text            string
	file            *ast.File
}

// rule finds violations in a tree. Each begins with the name of the file.
type rule func(*tree) []string

// plant is a tree with one violation in it; an empty want means that there is none.
type plant struct {
	name  string
	files map[string]string
	want  string
}

var generatedPattern = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func treeOf(files map[string]string) (*tree, error) {
	t := &tree{files: files, fset: token.NewFileSet()}
	for name := range files {
		t.names = append(t.names, name)
	}
	slices.Sort(t.names)
	for _, name := range t.names {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		file, err := parser.ParseFile(t.fset, name, files[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		t.sources = append(t.sources, source{
			name: name, dir: path.Dir(name),
			test:      strings.HasSuffix(name, "_test.go"),
			generated: generatedPattern.MatchString(files[name]),
			text:      files[name], file: file,
		})
	}
	return t, nil
}

// code yields the sources that people wrote and that are no tests.
func (t *tree) code() []source {
	return slices.DeleteFunc(slices.Clone(t.sources), func(s source) bool { return s.test || s.generated })
}

// at says where a node is, as file:line.
func (t *tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// exists reports whether a file or a folder has this name.
func (t *tree) exists(name string) bool {
	name = path.Clean(name)
	if _, ok := t.files[name]; ok || name == "." {
		return true
	}
	at, _ := slices.BinarySearch(t.names, name+"/")
	return at < len(t.names) && strings.HasPrefix(t.names[at], name+"/")
}

// maxTextBytes leaves out what is too large to be written by hand.
const maxTextBytes = 1 << 20

// repository reads the tree that the test stands in.
func repository(t *testing.T) *tree {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			// Others may build here meanwhile; what is gone breaks no rule.
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		case entry.IsDir() && (name == ".git" || name == "tmp" || path.Base(name) == "testdata"):
			return fs.SkipDir
		case !entry.Type().IsRegular() || name == "vertebra":
			return nil
		}
		info, err := entry.Info()
		if err != nil || info.Size() > maxTextBytes {
			return nil
		}
		text, err := os.ReadFile(name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := treeOf(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.sources) < 10 {
		t.Fatalf("only %d Go files: this is not the repository", len(whole.sources))
	}
	return whole
}

// hold runs a rule over the repository and over its plants.
func hold(t *testing.T, check rule, plants []plant) {
	t.Helper()
	for _, violation := range check(repository(t)) {
		t.Error(violation)
	}
	for _, p := range plants {
		planted, err := treeOf(p.files)
		if err != nil {
			t.Errorf("plant %q: %v", p.name, err)
			continue
		}
		switch found := check(planted); {
		case p.want == "" && len(found) > 0:
			t.Errorf("plant %q: found %q where nothing is wrong", p.name, found)
		case p.want != "" && (len(found) != 1 || !strings.Contains(found[0], p.want)):
			t.Errorf("plant %q: found %q, want one that says %q", p.name, found, p.want)
		}
	}
}
