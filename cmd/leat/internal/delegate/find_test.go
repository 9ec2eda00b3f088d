package delegate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leat-go/leat/cmd/leat/internal/delegate"
)

const (
	service = "package main\n\nimport \"github.com/leat-go/leat/cmd/cli\"\n"
	library = "package lib\n\nimport \"github.com/leat-go/leat/cmd/cli\"\n"
	plain   = "package main\n\nimport \"fmt\"\n"
	tool    = "package main\n\nimport (\n\"github.com/leat-go/leat/cmd/cli\"\n\"github.com/leat-go/leat/cmd/leat/internal/delegate\"\n)\n"
)

// files lays out a module and returns its folder.
func files(t *testing.T, content map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range content {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content map[string]string
		in      string
		want    string
		fails   string
	}{
		"the folder itself":           {content: map[string]string{"go.mod": "", "main.go": service, "other/main.go": service}, want: "."},
		"the only one below":          {content: map[string]string{"go.mod": "", "cmd/svc/main.go": service, "cmd/tool/main.go": plain}, want: "./cmd/svc"},
		"from another folder":         {content: map[string]string{"go.mod": "", "cmd/svc/main.go": service, "lib/lib.go": library}, in: "lib", want: "../cmd/svc"},
		"the one below before others": {content: map[string]string{"go.mod": "", "a/svc/main.go": service, "b/main.go": service}, in: "a", want: "./svc"},
		"several":                     {content: map[string]string{"go.mod": "", "a/main.go": service, "b/main.go": service}, fails: "several services: ./a, ./b"},
		"only in tests":               {content: map[string]string{"go.mod": "", "main.go": plain, "main_test.go": service, "_x.go": service}, fails: "no main package"},
		"only in testdata, vendor and other modules": {
			content: map[string]string{"go.mod": "", "testdata/main.go": service, "vendor/a/main.go": service, ".x/main.go": service, "m/go.mod": "", "m/main.go": service},
			fails:   "no main package",
		},
		"leat itself is none": {content: map[string]string{"go.mod": "", "cmd/leat/main.go": tool}, fails: "no main package"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := delegate.Find(filepath.Join(files(t, c.content), c.in))
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Fatalf("got error %v, want %q", err, c.fails)
			}
			if got != filepath.FromSlash(c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhichCommandsGoToAService(t *testing.T) {
	t.Parallel()
	for command, want := range map[string][2]bool{
		"run": {true, true}, "worker": {true, true}, "kafka worker": {true, true}, "describe": {true, true},
		"topics list": {true, false}, "kafka topics": {true, false}, "config check": {true, false}, "tail": {true, false},
		"schema check": {true, true}, "schema": {true, false},
		"version": {false, false}, "completion bash": {false, false}, "help": {false, false}, "": {false, false},
	} {
		if got := [2]bool{delegate.Wanted(command), delegate.Needed(command)}; got != want {
			t.Errorf("%q is wanted, needed: %v, want %v", command, got, want)
		}
	}
}
