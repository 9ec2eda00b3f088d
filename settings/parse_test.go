package settings_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/settings"
)

func TestDotEnv(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{
		"\ufeff# a comment", "", "A=plain", "export B = spaced  ", "C=hash#inside # comment", "D='single $A ${A} \\n it\\'s'",
		`E="double \n \"q\" \$x \\ ${A} \${A}" # comment`, "F=pa$$w0rd$A", "G=${A}-${NONE}-${NONE:-else}-${OUTER}",
		"H=", "I=\"two", "lines\"", "ALONE", "no assignment", "J=\"no end", "K='x' y", "L=last\r", "A=again",
	}, "\n")
	got, wrong := settings.ParseDotEnv(text, map[string]string{"OUTER": "env", "L": "unused"})
	want := map[string]string{
		"A": "again", "B": "spaced", "C": "hash#inside", "D": `single $A ${A} \n it's`, "E": "double \n \"q\" $x \\ plain ${A}",
		"F": "pa$$w0rd$A", "G": "plain--else-env", "H": "", "I": "two\nlines", "L": "last",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{14, 15, 16}, wrong); diff != "" {
		t.Error(diff)
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"5s", "7d", "1d12h", "-1ms", "1.5h", "0", "9223372036854775807ns", "106751d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := settings.ParseDuration(text)
		if err != nil {
			return
		}
		if again, err := settings.ParseDuration(settings.ShowDuration(d)); err != nil || again != d {
			t.Errorf("%q is %s, which reads as %s, %v", text, settings.ShowDuration(d), again, err)
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, seed := range []string{"16384", "16KiB", "1.5GiB", "1,000", "9EiB", "-1", "1 MB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := settings.ParseSize(text)
		if err != nil {
			return
		}
		if n < 0 {
			t.Errorf("%q is %d bytes", text, n)
		}
		if again, err := settings.ParseSize(n.String()); n < 1<<53 && (err != nil || again != n) {
			t.Errorf("%q is %s, which reads as %d, %v", text, n, again, err)
		}
	})
}

func FuzzList(f *testing.F) {
	for _, seed := range []string{"a,b", " a , b ", "", "a,,b", `["a","b"]`, "[::1]:1,[::2]:2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		items, err := settings.SplitList(text)
		if err != nil {
			return
		}
		for _, item := range items {
			if item == "" || item != strings.TrimSpace(item) {
				t.Errorf("%q has the item %q", text, item)
			}
		}
	})
}

func FuzzDotEnv(f *testing.F) {
	for _, seed := range []string{"A=1\n", "A='x", `A="${B:-c}\`, "export A=$", "\ufeff=", "A=\"\n\n\"\nB=1 # c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, wrong := settings.ParseDotEnv(text, nil)
		for _, line := range wrong {
			if line < 1 || line > 1+strings.Count(text, "\n") {
				t.Errorf("%q: fault at line %d", text, line)
			}
		}
	})
}

func FuzzDotEnvQuotes(f *testing.F) {
	f.Add("p@ss'word\\ #1")
	f.Fuzz(func(t *testing.T, value string) {
		if strings.Contains(value, "\r\n") {
			return
		}
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
		got, wrong := settings.ParseDotEnv("A='"+quoted+"'\nB=1", nil)
		if got["A"] != value || got["B"] != "1" || wrong != nil {
			t.Errorf("%q reads as %q, faults %v", value, got, wrong)
		}
	})
}

func FuzzFiles(f *testing.F) {
	for _, seed := range []string{"a: {b: [1]}", `{"a": {"b": [1, null]}}`, "[a]\nb = 1\n", "a: &a {<<: *a}", "a: &a [*a]", "<<: [*x]", "{", "- a", "? {a: b}\n: c"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = settings.ParseYAML(data)
		_ = settings.ParseTOML(data)
		if err := settings.ParseJSON(data); err == nil && len(strings.TrimSpace(string(data))) > 0 && !json.Valid(data) {
			t.Errorf("took %q for JSON", data)
		}
	})
}

func FuzzRedact(f *testing.F) {
	f.Add("redis", "h:6379")
	f.Add("http", "h/a b")
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		if got := settings.Redact(scheme + "://user:hunter2@" + rest); !strings.Contains(rest+scheme, "hunter2") && strings.Contains(got, "hunter2") {
			t.Errorf("redacted to %q", got)
		}
	})
}

func TestDurationsShowShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1m", time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", 20 * time.Minute: "20m", time.Hour + time.Second: "1h0m1s",
	} {
		if got := settings.ShowDuration(d); got != want {
			t.Errorf("%s shows as %s", d, got)
		}
	}
}
