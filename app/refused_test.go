package app_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Mistakes that the compiler finds, by package of testdata/refused.
var refused = map[string]string{
	"input":     "type func(billing, context.Context, receipt) error of billing.Charge does not match inferred type func(billing, context.Context, order) error",
	"output":    "type func(billing, context.Context, order) (order, error) of billing.Charge does not match inferred type func(billing, context.Context, order) (receipt, error)",
	"batch":     "type func(billing, context.Context, order) error of billing.Charge does not match inferred type func(billing, context.Context, []order) error",
	"hook":      "in call to app.OnError, type func(billing, context.Context, error, order) of billing.Failed does not match",
	"option":    "router.RouterOption does not implement router.Option",
	"published": "type receipt of receipt{} does not match inferred type order",
	"tombstone": "type topics.Event[int] of orders does not match inferred type topics.State[int]",
}

func TestCompilerRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the compiler")
	}
	args := []string{"build"}
	for name := range refused {
		args = append(args, "./testdata/refused/"+name)
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	if err == nil {
		t.Fatal("everything compiled")
	}
	said := map[string]string{}
	for text := range strings.SplitSeq(string(out), "# ") {
		pkg, text, _ := strings.Cut(text, "\n")
		said[pkg[strings.LastIndex(pkg, "/")+1:]] = text
	}
	for name, want := range refused {
		if !strings.Contains(said[name], want) {
			t.Errorf("%s: the compiler said %q, want %q", name, said[name], want)
		}
	}
}
