package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leat-go/leat/internal/testservers"
)

// TestMain plays the roles that the runs of the tests start this binary for.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "produce" || os.Args[1] == "consume") {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(testservers.Main(m))
}

// TestShortRunsKeepTheirPromises is the short form of `make chaos`.
func TestShortRunsKeepTheirPromises(t *testing.T) {
	if testing.Short() {
		t.Skip("kills servers and members for a minute: not with -short")
	}
	for broker, names := range map[string]string{
		"kafka": "member-kill net-cut",
		"redis": "poison member-kill redis-kill-always net-cut",
	} {
		t.Run(broker, func(t *testing.T) {
			t.Parallel()
			fs, err := choose(names)
			if err != nil {
				t.Fatal(err)
			}
			for i := range fs { // one node is enough for a short run
				if k, _ := fs[i].on(broker); k == cluster {
					fs[i].kinds = []kind{single}
				}
			}
			tried(t, broker, fs)
		})
	}
}

// tried requires that every fault passes, on real servers.
func tried(t *testing.T, broker string, fs []fault) {
	t.Helper()
	var out bytes.Buffer
	o := Options{Messages: 2000 * len(fs), Seed: 1, Dir: relative(t, t.TempDir()), Talk: t.Logf}
	err := Run(t.Context(), o, []string{broker}, fs, memberships()[:1], &out)
	t.Log(out.String())
	if err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(out.String()) {
		var r report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Verdict == "not run" {
			missing(t, r.Reason)
		}
	}
}

// relative is the way to a folder from here, as a person may give it.
func relative(t *testing.T, folder string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	way, err := filepath.Rel(here, folder)
	if err != nil {
		t.Fatal(err)
	}
	return way
}

func missing(t *testing.T, reason string) {
	t.Helper()
	if testservers.RequireReal() {
		t.Fatalf("a real server is required: %s", reason)
	}
	t.Skipf("no real server: %s", reason)
}

func TestFaultsThatCannotBeTriedSayWhy(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // nothing to start or to mount with
	var out bytes.Buffer
	o := Options{Dir: t.TempDir(), Talk: t.Logf}
	fs, err := choose("disk-full")
	if err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), o, []string{"redis"}, fs, memberships(), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"verdict":"not run","reason":"start redis, appendfsync everysec, a small disk: mount a small file system: `) {
		t.Error(out.String())
	}
}

func TestUnknownFaultsAreUsageErrors(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"dance"}, {"run", "-faults", "none,earthquake"}, {"run", "-depth", "1"}, {"run", "-membership", "golden"}} {
		if code := Main(args, &bytes.Buffer{}, &bytes.Buffer{}); code != 2 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
	if _, err := choose("earthquake"); !errors.Is(err, errUsage) || !strings.Contains(fmt.Sprint(err), "earthquake") {
		t.Error(err)
	}
}

// TestCheckJudgesAFolder requires the exit code of `chaos check` for a clean folder and a broken one.
func TestCheckJudgesAFolder(t *testing.T) {
	t.Parallel()
	for want, es := range [][]Event{cleanLog(), without(cleanLog(), of(2, Begin, Finish))} {
		dir := t.TempDir()
		var text []byte
		for _, e := range es {
			text = e.append(text)
		}
		if err := os.WriteFile(dir+"/all.log", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if code := Main([]string{"check", "-fault", "member-stop-in", "-dir", dir}, &bytes.Buffer{}, &bytes.Buffer{}); code != 2 {
			t.Errorf("exit code %d for a fault that there is not", code)
		}
		var out bytes.Buffer
		if code := Main([]string{"check", "-fault", "rebalance-storm", "-dir", dir}, &out, os.Stderr); code != want {
			t.Errorf("exit code %d, want %d: %s", code, want, out.String())
		}
	}
}

// TestFatesAreDrawnBySeed keeps a run repeatable.
func TestFatesAreDrawnBySeed(t *testing.T) {
	t.Parallel()
	counts := func(seed int64) (line string) {
		l := lot{seed: seed, flaky: 200, doomed: 100, poison: 50}
		n := map[Fate]int{}
		for seq := range 1000 {
			n[l.message("k", seq).Fate]++
		}
		return fmt.Sprint(n)
	}
	first, again, other := counts(1), counts(1), counts(2)
	if first != again || first == other {
		t.Errorf("%s, again %s, another seed %s", first, again, other)
	}
}
