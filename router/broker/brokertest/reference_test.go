package brokertest

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/routertest"
)

var update = flag.Bool("update", false, "write docs/reference/conformance.md again")

const reference = "../../../docs/reference/conformance.md"

// backends are leat's own: their column, settings and test.
var backends = []struct{ name, setting, test string }{
	{"memory", "", "../memory"},
	{"kafka", "`kafka.backend: franz`", "../kafka"},
	{"redis", "`redis.backend: leat`", "../redis"},
	{"sarama", "`kafka.backend: sarama`", "../kafka/sarama"},
	{"watermill", "`redis.backend: watermill`", "../redis/redisstream"},
}

func TestReference(t *testing.T) {
	t.Parallel()
	want := page(t)
	if *update {
		if err := os.WriteFile(reference, []byte(want), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is stale, run go generate ./router/broker/brokertest: %s", reference, diff)
	}
}

const head = `# Conformance

<!-- Generated: go generate ./router/broker/brokertest -->

What is the same on every broker is said by one suite, ` + "`router/broker/brokertest`" + `, that every backend runs in its
tests: against the real server and, where there is one, against the embedded imitation (kfake, miniredis).
A backend declares what it does not meet, with the reason, in its ` + "`conformance_test.go`" + `; this page is made from those
declarations. Your own backend is done when

` + "```go" + `
brokertest.Run(t, open)
` + "```" + `

passes, where ` + "`open`" + ` returns a client to the same server each time it is called.

`

func page(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(head)
	limits := make([]map[string]string, len(backends))
	b.WriteString("| column | chosen by | cases met |\n|---|---|---|\n")
	for i, be := range backends {
		limits[i] = declared(t, be.test)
		fmt.Fprintf(&b, "| %s | %s | %d of %d |\n", be.name, chosen(be.setting), len(cases)-len(limits[i]), len(cases))
	}
	b.WriteString("\n| a backend of leat |")
	for _, be := range backends {
		b.WriteString(" " + be.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(backends)) + "\n")
	for _, c := range cases {
		b.WriteString("| " + c.name + " |")
		for i := range backends {
			b.WriteString(" " + cell(limits[i], c.name) + " |")
		}
		b.WriteString("\n")
	}
	return b.String() + doorsTable(t)
}

const doorsHead = `
## Handlers

What handlers are promised is said by a second suite, ` + "`router/routertest`" + `, which tries each row through every
door into the delivery engine: ` + "%s" + `.

`

// doorsTable is what handlers are promised, with the declarations of the stock adapters.
func doorsTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, doorsHead, "`"+strings.Join(routertest.Doors(), "`, `")+"`")
	b.WriteString("| a handler |")
	limits := make([]map[string]string, len(backends))
	for i, be := range backends {
		limits[i] = doorsDeclared(t, be.name)
		b.WriteString(" " + be.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(backends)) + "\n")
	for _, name := range routertest.Names() {
		b.WriteString("| " + name + " |")
		for i := range backends {
			b.WriteString(" " + cell(limits[i], name) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// doorsVariables hold the declarations of a column.
var doorsVariables = map[string]string{"sarama": "saramaCannot", "watermill": "redisstreamCannot"}

func doorsDeclared(t *testing.T, column string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../internal/e2e/doors_test.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	limits := map[string]string{}
	for n := range ast.Preorder(file) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != doorsVariables[column] {
			continue
		}
		for n := range ast.Preorder(spec) {
			if call, ok := n.(*ast.CallExpr); ok && declaration(call) != "" {
				limits[literal(t, call.Args[0])] = declaration(call) + literal(t, call.Args[1])
			}
		}
	}
	if doorsVariables[column] != "" && len(limits) == 0 {
		t.Errorf("nothing is declared in %s", doorsVariables[column])
	}
	return limits
}

func chosen(setting string) string {
	if setting == "" {
		return "`messaging.broker: memory`, or nothing at all"
	}
	return setting
}

func cell(limits map[string]string, name string) string {
	if limit, ok := limits[name]; ok {
		return limit
	}
	return "met"
}

// words are what the page says of a declaration.
var words = map[string]string{"Cannot": "not met: ", "NotFor": "not applicable: "}

// declared reads the calls of brokertest.Cannot and NotFor in the conformance test of a
// backend. They must be literals, of cases that exist.
func declared(t *testing.T, folder string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, "conformance_test.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	limits := map[string]string{}
	for n := range ast.Preorder(file) {
		if call, ok := n.(*ast.CallExpr); ok && declaration(call) != "" {
			limits[literal(t, call.Args[0])] = declaration(call) + literal(t, call.Args[1])
		}
	}
	if unknown := (&suite{cannot: limits}).unknown(); len(unknown) > 0 {
		t.Errorf("%s declares cases that do not exist: %v", folder, unknown)
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

// TestEveryBackendMeetsMostCases keeps the table from becoming an excuse.
func TestEveryBackendMeetsMostCases(t *testing.T) {
	t.Parallel()
	for _, be := range backends {
		limits := declared(t, be.test)
		if 2*len(limits) > len(cases) {
			t.Errorf("%s does not meet %d of %d cases: %v", be.name, len(limits), len(cases), slices.Sorted(maps.Keys(limits)))
		}
	}
}
