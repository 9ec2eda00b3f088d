package cli

import (
	"strings"
	"testing"
)

func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	for _, c := range all(newRoot(&session{name: "billing"})) {
		if c.Example == "" || c.Short == "" || strings.Contains(c.Example, "leat ") {
			t.Errorf("%s: example %q, short %q: want both, with the name of the program", c.CommandPath(), c.Example, c.Short)
		}
	}
}
