package main

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/cmd/cli"
	"github.com/leat-go/leat/cmd/leat/internal/bench"
)

var update = flag.Bool("update", false, "rewrite the page about commands")

const referencePage = "../../docs/reference/cli.md"

func TestReferencePageIsFresh(t *testing.T) {
	t.Parallel()
	var page, complaints bytes.Buffer
	if code := cli.Run(t.Context(), app.New(), []string{"reference"}, nil, &page, &complaints, bench.Command()); code != 0 {
		t.Fatalf("exited with %d: %s", code, complaints.String())
	}
	if *update {
		if err := os.WriteFile(referencePage, page.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(page.String(), string(got)); diff != "" {
		t.Errorf("%s is stale, run `go generate ./cmd/leat` (-want +got):\n%s", referencePage, diff)
	}
}
