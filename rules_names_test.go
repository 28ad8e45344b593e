package vertebra_test

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docRule: every package has a doc.go that begins with the package's contract.
func docRule(t *tree) (violations []string) {
	documented := map[string]bool{}
	for _, s := range t.code() {
		if path.Base(s.name) == "doc.go" && s.file.Doc.Text() != "" {
			documented[s.dir] = true
		}
	}
	seen := map[string]bool{}
	for _, s := range t.sources {
		if !s.test && !seen[s.dir] && !documented[s.dir] {
			violations = append(violations, s.dir+": no doc.go with a package comment")
		}
		seen[s.dir] = seen[s.dir] || !s.test
	}
	return violations
}

func TestEveryPackageHasADoc(t *testing.T) {
	hold(t, docRule, []plant{
		{"has one", map[string]string{"a/doc.go": "// Package a is.\npackage a\n", "a/b.go": "package a\n"}, ""},
		{"tests only", map[string]string{"a/b_test.go": "package a\n"}, ""},
		{"none", map[string]string{"a/b.go": "// Package a is.\npackage a\n"}, "no doc.go"},
		{"empty", map[string]string{"a/doc.go": "package a\n"}, "no doc.go"},
	})
}

// commentRule: every exported name has a comment that begins with it, so that it reads
// well wherever it is shown alone. Members of a group may share the group's.
func commentRule(t *tree) (violations []string) {
	for _, s := range t.code() {
		for _, decl := range s.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && isExportedReceiver(d.Recv) && !speaksOf(d.Doc, d.Name.Name) {
					violations = append(violations, fmt.Sprintf("%s: %s has no comment that begins with its name", t.at(d), d.Name.Name))
				}
			case *ast.GenDecl:
				violations = append(violations, uncommented(t, d)...)
			}
		}
	}
	return violations
}

func uncommented(t *tree, d *ast.GenDecl) (violations []string) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && !speaksOf(s.Doc, s.Name.Name) && !speaksOf(d.Doc, s.Name.Name) {
				violations = append(violations, fmt.Sprintf("%s: %s has no comment that begins with its name", t.at(s), s.Name.Name))
			}
		case *ast.ValueSpec:
			exported := slices.IndexFunc(s.Names, (*ast.Ident).IsExported)
			if exported >= 0 && d.Doc.Text()+s.Doc.Text()+s.Comment.Text() == "" {
				violations = append(violations, fmt.Sprintf("%s: %s has no comment", t.at(s), s.Names[exported].Name))
			}
		}
	}
	return violations
}

func speaksOf(doc *ast.CommentGroup, name string) bool {
	text := doc.Text()
	for _, article := range []string{"A ", "An ", "The "} {
		text = strings.TrimPrefix(text, article)
	}
	rest, ok := strings.CutPrefix(text, name)
	return ok && (rest == "" || !isWordByte(rest[0]))
}

func isWordByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// isExportedReceiver reports whether a method's type is exported, or it is no method.
func isExportedReceiver(recv *ast.FieldList) bool {
	if recv == nil {
		return true
	}
	found := false
	ast.Inspect(recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && !found {
			found = true
			recv = nil
			if !id.IsExported() {
				recv = &ast.FieldList{}
			}
		}
		return !found
	})
	return recv == nil
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	in := func(text string) map[string]string { return map[string]string{"a/a.go": "package a\n\n" + text} }
	hold(t, commentRule, []plant{
		{"good", in("// F does.\nfunc F() {}\n\n// A T is.\ntype T int\n\n// M does.\nfunc (T) M() {}\n\n// Kinds.\nconst (\n\tA = 1\n)\n"), ""},
		{"unexported", in("func f() {}\n\ntype t int\n\nfunc (t) M() {}\n"), ""},
		{"function", in("func F() {}\n"), "F has no comment"},
		{"another's", in("// Fun does.\nfunc F() {}\n"), "F has no comment"},
		{"method", in("// T is.\ntype T[K any] struct{}\n\nfunc (*T[K]) M() {}\n"), "M has no comment"},
		{"type", in("type T int\n"), "T has no comment"},
		{"constant", in("const A = 1\n"), "A has no comment"},
	})
}

// bannedWords say where something is kept and not what it is.
var bannedWords = []string{"util", "utils", "common", "manager", "helper", "helpers", "misc"}

var wordPattern = regexp.MustCompile(`[A-Z]+(?:[a-z0-9]+)?|[a-z0-9]+`)

func bannedIn(name string) string {
	for _, word := range wordPattern.FindAllString(name, -1) {
		if slices.Contains(bannedWords, strings.ToLower(word)) {
			return word
		}
	}
	return ""
}

// nameRule: no banned word in a file's, a folder's or an exported name.
func nameRule(t *tree) (violations []string) {
	for _, s := range t.sources {
		if word := bannedIn(s.name); word != "" && !s.generated {
			violations = append(violations, fmt.Sprintf("%s: %q is no name for a thing", s.name, word))
		}
	}
	for _, s := range t.code() {
		for _, id := range declared(s.file) {
			if word := bannedIn(id.Name); id.IsExported() && word != "" {
				violations = append(violations, fmt.Sprintf("%s: %s: %q is no name for a thing", t.at(id), id.Name, word))
			}
		}
	}
	return violations
}

// declared lists the names that a file declares for its package, methods included.
func declared(file *ast.File) (names []*ast.Ident) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			names = append(names, d.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name)
				case *ast.ValueSpec:
					names = append(names, s.Names...)
				}
			}
		}
	}
	return names
}

func TestNames(t *testing.T) {
	hold(t, nameRule, []plant{
		{"good", map[string]string{"a/communication.go": "package a\n\nfunc Utility() {}\nfunc helper() {}\n"}, ""},
		{"folder", map[string]string{"util/a.go": "package util\n"}, `"util"`},
		{"file", map[string]string{"a/replica_helpers.go": "package a\n"}, `"helpers"`},
		{"type", map[string]string{"a/a.go": "package a\n\ntype LeaseManager int\n"}, `"Manager"`},
		{"method", map[string]string{"a/a.go": "package a\n\nfunc (t) CommonPart() {}\n"}, `"Common"`},
	})
}

// initRule: nothing runs before main does.
func initRule(t *tree) (violations []string) {
	for _, s := range t.sources {
		for _, decl := range s.file.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok && !s.generated && d.Recv == nil && d.Name.Name == "init" {
				violations = append(violations, t.at(d)+": init: say it where it is used")
			}
		}
	}
	return violations
}

func TestNoInit(t *testing.T) {
	hold(t, initRule, []plant{
		{"method", map[string]string{"a/a.go": "package a\n\nfunc (t) init() {}\n"}, ""},
		{"init", map[string]string{"a/a.go": "package a\n\nfunc init() {}\n"}, "init:"},
		{"in a test", map[string]string{"a/a_test.go": "package a\n\nfunc init() {}\n"}, "init:"},
	})
}

// sleepRule: a test waits on a condition, or in a bubble where time is free.
func sleepRule(t *tree) (violations []string) {
	for _, s := range t.sources {
		if !s.test || strings.Contains(s.text, `"testing/synctest"`) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isCallOf(call, "time", "Sleep") {
				violations = append(violations, t.at(call)+": time.Sleep in a test: wait on the condition")
			}
			return true
		})
	}
	return violations
}

func isCallOf(call *ast.CallExpr, pkg, name string) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	id, ok := selector.X.(*ast.Ident)
	return ok && id.Name == pkg
}

func TestNoTestSleeps(t *testing.T) {
	body := "import \"time\"\n\nfunc f() { time.Sleep(1) }\n"
	hold(t, sleepRule, []plant{
		{"code", map[string]string{"a/a.go": "package a\n\n" + body}, ""},
		{"in a bubble", map[string]string{"a/a_test.go": "package a\n\nimport _ \"testing/synctest\"\n" + body}, ""},
		{"test", map[string]string{"a/a_test.go": "package a\n\n" + body}, "time.Sleep"},
	})
}

// unfinished are the words that say so. They are spelt in two parts so that this file
// does not find itself.
var unfinished = regexp.MustCompile(`\b(?:` + "TO" + `DO|` + "FIX" + `ME|` + "XX" + `X)\b`)

// finishedRule: what is unfinished is an issue, not a comment.
func finishedRule(t *tree) (violations []string) {
	for _, s := range t.sources {
		for _, group := range s.file.Comments {
			if found := unfinished.FindString(group.Text()); found != "" && !s.generated {
				violations = append(violations, fmt.Sprintf("%s: %s", t.at(group), found))
			}
		}
	}
	return violations
}

func TestNothingIsLeftForLater(t *testing.T) {
	hold(t, finishedRule, []plant{
		{"said", map[string]string{"a/a.go": "// Package a is done.\npackage a\n"}, ""},
		{"left", map[string]string{"a/a.go": "package a\n\nvar x = 1 // TO" + "DO: later\n"}, "TO" + "DO"},
	})
}

// maxFileLines is where a file is likely two.
const maxFileLines = 600

func lengthRule(t *tree) (violations []string) {
	for _, s := range t.sources {
		if lines := strings.Count(s.text, "\n"); lines > maxFileLines && !s.generated {
			violations = append(violations, fmt.Sprintf("%s: %d lines, over %d", s.name, lines, maxFileLines))
		}
	}
	return violations
}

func TestFilesAreShort(t *testing.T) {
	long := "package a\n" + strings.Repeat("\n", maxFileLines)
	hold(t, lengthRule, []plant{
		{"generated", map[string]string{"a/a.pb.go": "// Code generated by x. DO NOT EDIT.\n" + long}, ""},
		{"long", map[string]string{"a/a.go": long}, "601 lines"},
	})
}
