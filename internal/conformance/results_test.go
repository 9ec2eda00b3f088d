package conformance

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The files of testdata are the output of go test -json, less what most tests printed.

var (
	one   = []suite{{"kafka", "router/broker/kafka", "TestConformance", kafka}}
	named = map[string]string{kafka: "Kafka 1.2.3"}
)

func readFile(t *testing.T, name string) results {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	rs, err := read(f, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestARunIsWhatItsCasesSaid(t *testing.T) {
	t.Parallel()
	got, err := readFile(t, "passed.json").runs(one, named)
	if err != nil {
		t.Fatal(err)
	}
	want := []Run{{"kafka", "Kafka 1.2.3", "router/broker/kafka", "TestConformance", map[string]string{
		"order per key, at concurrency 10": "met",
		"a topic has partitions":           "not met: streams have one",
		"a message that is too large":      "not applicable: no limit",
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatDidNotEndWellIsAFault(t *testing.T) {
	t.Parallel()
	runs, err := readFile(t, "failed.json").runs(one, named)
	if err == nil || runs != nil {
		t.Fatalf("runs %v and no fault", runs)
	}
	const test = "router/broker/kafka TestConformance"
	for _, want := range []string{
		"router/broker/kafka: failed", test + ": did not end", test + "/no_end: did not end",
		test + "/reading_to_the_end: failed\n    x_test.go:9: 3 records, want 4",
		test + "/what_nobody_declared: skipped without a declaration",
		test + "/a_crash: skipped without a declaration",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no fault %q in: %v", want, err)
		}
	}
	for _, fine := range []string{"order_per_key", "a_topic_has_partitions", "too_large"} {
		if strings.Contains(err.Error(), fine) {
			t.Errorf("%s is a fault: %v", fine, err)
		}
	}
}

func TestEverySuiteRunsAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		suites []suite
		want   string
	}{
		"a suite that did not run":   {append(one, suite{"redis", "router/broker/redis", "TestConformance", redis}), "no case of router/broker/redis TestConformance has run"},
		"a test that is of no suite": {nil, "router/broker/kafka TestConformance is of no suite"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := readFile(t, "passed.json").runs(c.suites, named); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestWhatIsNoOutputOfGoTestIsAFault(t *testing.T) {
	t.Parallel()
	if _, err := read(strings.NewReader("{\"Action\":\"run\"}\nok\n"), io.Discard); err == nil {
		t.Error("no error")
	}
}
