package avro_test

import (
	"os/exec"
	"strings"
	"testing"
)

// hamba/avro is archived with open advisories: only the module codec/hamba has it.
func TestNothingInThisModuleImportsHamba(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if !strings.Contains(string(out), "github.com/twmb/avro\n") {
		t.Fatalf("these are no dependencies: %.300s", out)
	}
	for pkg := range strings.Lines(string(out)) {
		if strings.Contains(pkg, "hamba") {
			t.Errorf("%s is linked", strings.TrimSpace(pkg))
		}
	}
}
