package settings_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leat-go/leat/settings"
)

var update = flag.Bool("update", false, "rewrite generated files")

// folder makes a folder with files, given as name, text, name, text.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for file := range slices.Chunk(files, 2) {
		if err := os.WriteFile(filepath.Join(dir, file[0]), []byte(file[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load loads what must be right. It never sees the folder and environment of the test.
func load(t *testing.T, o settings.Options) *settings.Loaded {
	t.Helper()
	l, err := settings.Load(closed(t, o))
	if err != nil {
		t.Fatalf("load:\n%v", err)
	}
	return l
}

// faults loads what must be wrong.
func faults(t *testing.T, o settings.Options) []settings.Fault {
	t.Helper()
	l, err := settings.Load(closed(t, o))
	if err == nil {
		t.Fatal("load found no fault")
	}
	if l != nil {
		t.Error("load gave settings in spite of faults")
	}
	all, ok := errors.AsType[*settings.Faults](err)
	if !ok {
		t.Fatalf("the error is a %T", err)
	}
	for _, f := range all.Faults {
		if f.Key == "" || f.Origin == "" || f.Problem == "" || f.Remedy == "" {
			t.Errorf("a fault is incomplete: %+v", f)
		}
	}
	return all.Faults
}

func closed(t *testing.T, o settings.Options) settings.Options {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Environ == nil {
		o.Environ = []string{}
	}
	return o
}

// lines are the faults as they are printed.
func lines(all []settings.Fault) []string {
	text := make([]string, len(all))
	for i, f := range all {
		text[i] = f.String()
	}
	return text
}

func env(lines ...string) settings.Options { return settings.Options{Environ: lines} }

func value(t *testing.T, l *settings.Loaded, key string) settings.Value {
	t.Helper()
	for _, v := range l.Values() {
		if v.Key == key {
			return v
		}
	}
	t.Fatalf("%s is not listed", key)
	return settings.Value{}
}

func wantContains(t *testing.T, got []string, want string) {
	t.Helper()
	if !strings.Contains(strings.Join(got, "\n"), want) {
		t.Errorf("want a line with\n\t%s\ngot\n\t%s", want, strings.Join(got, "\n\t"))
	}
}
