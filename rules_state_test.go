package vertebra_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"testing"
)

// stateRule: a package's variables are values that nobody changes: errors, patterns,
// tables, embedded files. One that code assigns to, or takes the address of, is state
// that every test and every node of a process shares without saying so. So is one that
// is there to be changed: a channel, an empty map, anything of sync.
func stateRule(t *tree) (violations []string) {
	packages := map[string][]source{}
	for _, s := range t.code() {
		packages[s.dir] = append(packages[s.dir], s)
	}
	for _, s := range t.code() {
		if packages[s.dir] != nil {
			violations = append(violations, stateOf(t, packages[s.dir])...)
			delete(packages, s.dir)
		}
	}
	return violations
}

// acceptedState is what has to be there all the same, with the reason.
var acceptedState = map[string]string{
	"index.registration": "guards bleve's registry of callbacks, which is itself one map for the whole process",
}

// errNoImports is what every import gives: which local name means what can be told
// without the packages imported.
var errNoImports = errors.New("imports are not followed")

type noImports struct{}

// Import implements types.Importer.
func (noImports) Import(string) (*types.Package, error) { return nil, errNoImports }

func stateOf(t *tree, sources []source) (violations []string) {
	files := make([]*ast.File, len(sources))
	for i := range sources {
		files[i] = sources[i].file
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: noImports{}, Error: func(error) {}, FakeImportC: true}
	// The errors are those of the imports that were not followed.
	checked, _ := config.Check(sources[0].dir, t.fset, files, info)
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			for _, target := range changedBy(n) {
				if id := rootOf(target); id != nil && isPackageVariable(info.Uses[id], checked) {
					violations = append(violations, fmt.Sprintf("%s: %s is a package's variable and is changed", t.at(id), id.Name))
				}
			}
			return true
		})
		violations = append(violations, stateful(t, file)...)
	}
	return violations
}

func isPackageVariable(object types.Object, p *types.Package) bool {
	variable, ok := object.(*types.Var)
	return ok && p != nil && variable.Parent() == p.Scope()
}

// changedBy lists the expressions that a statement or expression may change.
func changedBy(n ast.Node) []ast.Expr {
	switch s := n.(type) {
	case *ast.AssignStmt:
		return s.Lhs
	case *ast.IncDecStmt:
		return []ast.Expr{s.X}
	case *ast.UnaryExpr:
		if s.Op == token.AND {
			return []ast.Expr{s.X}
		}
	case *ast.CallExpr:
		if id, ok := s.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") {
			return s.Args[:1]
		}
	}
	return nil
}

// rootOf is the name that an expression such as a.b[i] begins with.
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// stateful lists the package's variables that are there to be changed.
func stateful(t *tree, file *ast.File) (violations []string) {
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.VAR {
			continue
		}
		for _, spec := range d.Specs {
			s := spec.(*ast.ValueSpec)
			if acceptedState[file.Name.Name+"."+s.Names[0].Name] != "" {
				continue
			}
			if isState(s.Type) || len(s.Values) == 1 && isStateValue(s.Values[0]) {
				violations = append(violations, fmt.Sprintf("%s: %s is a package's variable and is there to be changed", t.at(s), s.Names[0].Name))
			}
		}
	}
	return violations
}

func isState(typ ast.Expr) bool {
	switch x := typ.(type) {
	case *ast.ChanType:
		return true
	case *ast.SelectorExpr:
		id, ok := x.X.(*ast.Ident)
		return ok && (id.Name == "sync" || id.Name == "atomic")
	case *ast.IndexExpr: // atomic.Pointer[T]
		return isState(x.X)
	}
	return false
}

// isStateValue: what is made empty is made to be filled.
func isStateValue(value ast.Expr) bool {
	switch x := value.(type) {
	case *ast.CallExpr:
		id, ok := x.Fun.(*ast.Ident)
		return ok && (id.Name == "make" || id.Name == "new")
	case *ast.CompositeLit:
		_, isMap := x.Type.(*ast.MapType)
		return isState(x.Type) || isMap && len(x.Elts) == 0
	case *ast.UnaryExpr:
		return isStateValue(x.X)
	}
	return false
}

func TestPackagesHaveNoState(t *testing.T) {
	in := func(text string) map[string]string { return map[string]string{"a/a.go": "package a\n\n" + text} }
	hold(t, stateRule, []plant{
		{"values", in("import (\"errors\"; \"regexp\")\n\nvar errX = errors.New(\"x\")\nvar p = regexp.MustCompile(\"x\")\nvar table = map[string]int{\"a\": 1}\nvar _ fmt.Stringer = T{}\n"), ""},
		{"local of the same name", in("var table = []int{1}\n\nfunc f() { table := []int{}; table[0] = 1; _ = &table }\n"), ""},
		{"assigned", in("var n = 1\n\nfunc f() { n = 2 }\n"), "n is a package's variable and is changed"},
		{"counted", in("var n int\n\nfunc f() { n++ }\n"), "is changed"},
		{"element", in("var m = map[string]int{\"a\": 1}\n\nfunc f() { m[\"b\"] = 2 }\n"), "is changed"},
		{"deleted", in("var m = map[string]int{\"a\": 1}\n\nfunc f() { delete(m, \"a\") }\n"), "is changed"},
		{"address", in("var n int\n\nfunc f() *int { return &n }\n"), "is changed"},
		{"in another file", map[string]string{"a/a.go": "package a\n\nvar n int\n", "a/b.go": "package a\n\nfunc f() { n = 2 }\n"}, "a/b.go"},
		{"lock", in("var mu sync.Mutex\n"), "there to be changed"},
		{"pool", in("var pool = sync.Pool{}\n"), "there to be changed"},
		{"counter", in("var n atomic.Int64\n"), "there to be changed"},
		{"typed pointer", in("var n atomic.Pointer[int]\n"), "there to be changed"},
		{"map", in("var m = map[string]int{}\n"), "there to be changed"},
		{"channel", in("var c = make(chan int)\n"), "there to be changed"},
	})
}
