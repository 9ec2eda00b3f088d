package testservers_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/internal/testservers"
)

// TestInside is what the tests below run in a process of its own, because servers are shared by a process.
func TestInside(t *testing.T) {
	if os.Getenv("LEAT_TESTSERVERS_INSIDE") == "" {
		t.Skip("only inside of another test")
	}
	k, again := testservers.KafkaFor(t), testservers.KafkaFor(t)
	t.Logf("kafka %q again=%t real=%t", k.Brokers, cmp.Equal(k, again), k.Real)
	r := testservers.RedisFor(t)
	t.Logf("redis %q real=%t", r.URL(), r.Real)
	g := testservers.RegistryFor(t)
	t.Logf("registry %q real=%t", g.URL, g.Real)
}

// inside runs TestInside with an environment and returns what it printed and whether it passed.
func inside(t *testing.T, env ...string) (string, bool) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run=^TestInside$", "-test.v")
	cmd.Env = append(os.Environ(), "LEAT_TESTSERVERS_INSIDE=1", "LEAT_REQUIRE_REAL=",
		"LEAT_TEST_KAFKA=embedded", "LEAT_TEST_REDIS=embedded", "LEAT_TEST_REGISTRY=embedded")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func TestSharedServersComeFromTheEnvironment(t *testing.T) {
	t.Parallel()
	out, ok := inside(t, "LEAT_TEST_KAFKA=a:1, b:2", "LEAT_TEST_REDIS=c:3", "LEAT_TEST_REGISTRY=http://d:4/x")
	if !ok {
		t.Error("the run failed")
	}
	wantLines(t, out, `kafka \["a:1" "b:2"\] again=true real=true`, `redis "redis://c:3/0" real=true`, `registry "http://d:4/x" real=true`)
}

func TestSharedServersAreEmbeddedOnRequest(t *testing.T) {
	t.Parallel()
	out, ok := inside(t)
	if !ok {
		t.Error("the run failed")
	}
	wantLines(t, out, `kafka \["127.*"\] again=true real=false`, `redis .* real=false`, `registry .* real=false`)
}

func TestSharedServersAreEmbeddedWhereNoneCanBeStarted(t *testing.T) {
	t.Parallel()
	out, ok := inside(t, "LEAT_TEST_KAFKA=", "LEAT_TEST_REDIS=", "LEAT_TEST_REGISTRY=", "PATH=")
	if !ok {
		t.Error("the run failed")
	}
	wantLines(t, out, `no java in PATH`, `no redis-server in PATH`, `not tested against: kafka, redis, registry`)
}

func TestRequiredRealServersAreNotReplaced(t *testing.T) {
	t.Parallel()
	out, ok := inside(t, "LEAT_TEST_KAFKA=", "PATH=", "LEAT_REQUIRE_REAL=1")
	if ok {
		t.Error("the run passed without a real server")
	}
	wantLines(t, out, `LEAT_REQUIRE_REAL=1 and no real kafka: no java in PATH`)
}

func TestSharedServersAreStartedAndGoneAfterMain(t *testing.T) {
	t.Parallel()
	startRedis(t, testservers.RedisOptions{}) // or skip
	out, ok := inside(t, "LEAT_TEST_REDIS=")
	if !ok {
		t.Error("the run failed")
	}
	wantLines(t, out, `redis .* real=true`)
	address := regexp.MustCompile(`redis://([0-9.:]+)/0`).FindStringSubmatch(out)
	if address == nil || !refuses(t, address[1]) {
		t.Errorf("the redis at %q was not stopped", address)
	}
}

func TestUniqueNamesDiffer(t *testing.T) {
	t.Parallel()
	a, b := testservers.Unique(t, "orders"), testservers.Unique(t, "orders")
	if a == b || !strings.HasPrefix(a, "orders-") {
		t.Errorf("got %q and %q", a, b)
	}
}

// wantLines fails t unless each pattern matches in out.
func wantLines(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out) {
			t.Errorf("no match for %s in:\n%s", p, out)
		}
	}
}
