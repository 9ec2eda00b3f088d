package brokertest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/leat-go/leat/internal/conformance"
)

// words are what the suites say of a declaration.
var words = map[string]string{"Cannot": conformance.NotMet, "NotFor": conformance.NotApplicable}

// doorsVariables hold what a backend declares of handlers.
var doorsVariables = map[string]string{"sarama": "saramaCannot", "watermill": "redisstreamCannot"}

// declared reads the calls of brokertest.Cannot and NotFor in the conformance test of a
// backend. They must be literals, of cases that exist.
func declared(t *testing.T, folder string) map[string]string {
	t.Helper()
	limits := declarations(t, parse(t, filepath.Join(folder, "conformance_test.go")))
	if unknown := (&suite{cannot: limits}).unknown(); len(unknown) > 0 {
		t.Errorf("%s declares cases that do not exist: %v", folder, unknown)
	}
	return limits
}

// doorsDeclared reads the calls of routertest.Cannot in the variable of a backend.
func doorsDeclared(t *testing.T, backend string) map[string]string {
	t.Helper()
	limits := map[string]string{}
	for n := range ast.Preorder(parse(t, "../../../internal/e2e/doors_test.go")) {
		if spec, ok := n.(*ast.ValueSpec); ok && spec.Names[0].Name == doorsVariables[backend] {
			limits = declarations(t, spec)
		}
	}
	if doorsVariables[backend] != "" && len(limits) == 0 {
		t.Errorf("nothing is declared in %s", doorsVariables[backend])
	}
	return limits
}

// conformanceTests are the tests of a backend that run the suite.
func conformanceTests(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, d := range parse(t, file).Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "TestConformance") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// declarations are what is declared within, by case.
func declarations(t *testing.T, within ast.Node) map[string]string {
	t.Helper()
	limits := map[string]string{}
	for n := range ast.Preorder(within) {
		if call, ok := n.(*ast.CallExpr); ok && declaration(call) != "" {
			limits[literal(t, call.Args[0])] = declaration(call) + literal(t, call.Args[1])
		}
	}
	return limits
}

func declaration(call *ast.CallExpr) string {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) != 2 {
		return ""
	}
	return words[f.Sel.Name]
}

func literal(t *testing.T, e ast.Expr) string {
	t.Helper()
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		t.Fatalf("brokertest.Cannot takes literals in the tests of leat's backends, not %T", e)
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
