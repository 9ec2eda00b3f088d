package brokertest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/internal/conformance"
	"github.com/leat-go/leat/router/routertest"
)

var update = flag.Bool("update", false, "write docs/reference/conformance.md again")

const (
	reference = "../../../docs/reference/conformance.md"
	runs      = "../../../docs/reference/conformance.json"
)

// backends are leat's own: their column, settings, tests, and name in the test of handlers.
var backends = []struct{ name, setting, test, doors string }{
	{"memory", "`messaging.broker: memory`, or nothing at all", "router/broker/memory", "memory"},
	{"kafka", "`kafka.backend: franz`", "router/broker/kafka", "kafka"},
	{"redis", "`redis.backend: leat`", "router/broker/redis", "redis"},
	{"sarama", "`kafka.backend: sarama`", "router/broker/kafka/sarama", "sarama"},
	{"watermill", "`redis.backend: watermill`", "router/broker/redis/redisstream", "redisstream"},
}

func TestReference(t *testing.T) {
	t.Parallel()
	want := page(loadRuns(t))
	if *update {
		if err := os.WriteFile(reference, []byte(want), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not what the runs said, run go generate ./router/broker/brokertest: %s", reference, diff)
	}
}

// TestTheRunsWereOfTheseSuites holds when every test of today has run every case of today, with the declarations of
// today.
func TestTheRunsWereOfTheseSuites(t *testing.T) {
	t.Parallel()
	want, got := said{}, said{}
	for _, be := range backends {
		for _, test := range conformanceTests(t, "../../../"+be.test) {
			want.add(be.test+" "+test, expected(caseNames(), declared(t, "../../../"+be.test)))
		}
		for _, door := range routertest.Doors() {
			want.add("internal/e2e TestDoors/"+be.doors+"/"+door, expected(routertest.Names(), doorsDeclared(t, be.name)))
		}
	}
	for _, r := range loadRuns(t).Runs {
		got.add(r.Package+" "+r.Test, r.Cases)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the suites are not those of %s, run make conformance (-suites +runs): %s", runs, diff)
	}
}

// said is what each case of each test said.
type said map[string]string

func (s said) add(test string, cases map[string]string) {
	for name, outcome := range cases {
		s[test+": "+name] = outcome
	}
}

// expected is what cases must say where they pass.
func expected(names []string, declared map[string]string) map[string]string {
	outcomes := map[string]string{}
	for _, name := range names {
		outcomes[name] = conformance.Met
	}
	maps.Copy(outcomes, declared)
	return outcomes
}

func caseNames() (names []string) {
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// TestEveryBackendMeetsMostCases keeps the table from becoming an excuse.
func TestEveryBackendMeetsMostCases(t *testing.T) {
	t.Parallel()
	for _, r := range loadRuns(t).Runs {
		if 2*r.Count(conformance.Met) < len(r.Cases) {
			t.Errorf("%s meets %d of %d cases of %s", r.Backend, r.Count(conformance.Met), len(r.Cases), r.Test)
		}
	}
}

func loadRuns(t *testing.T) conformance.Report {
	t.Helper()
	r, err := conformance.Load(runs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const head = `# Conformance

<!-- Generated: make conformance -->

What is the same on every broker is said by one suite, ` + "`router/broker/brokertest`" + `, that every backend runs in its
tests: against the real server and, where there is one, against the embedded imitation (kfake, miniredis).
A backend declares what it does not meet, with the reason, in its ` + "`conformance_test.go`" + `; what it does not declare,
it must pass.

This page is what the suites said on %s, case by case in [conformance.json](conformance.json). On a machine with Java,
Maven and redis-server

` + "```sh" + `
make conformance
` + "```" + `

starts the servers, runs the suites on them, and writes both files again, which took %s. When a case
fails, or is skipped without a declaration, it says so and writes nothing. A test compares the files with the cases and
declarations of the code.

Your own backend is done when

` + "```go" + `
brokertest.Run(t, open)
` + "```" + `

passes, where ` + "`open`" + ` returns a client to the same server each time it is called. The cases of a crash and of a
broker that is away need to be told how those happen to a client of yours, by ` + "`brokertest.Crash`" + ` and ` + "`brokertest.Away`" + `:
` + "`brokertest.Line`" + ` is a way to a server that can be cut and mended.

`

const doorsHead = `
## Handlers

What handlers are promised is said by a second suite, ` + "`router/routertest`" + `, which tries each row through every
door into the delivery engine: ` + "%s" + `.

`

func page(r conformance.Report) string {
	backendRuns, doorRuns := byKind(r)
	return fmt.Sprintf(head, r.Date, r.Took) +
		serverTable(backendRuns) + "\n" + table("a backend of leat", caseNames(), backendRuns) +
		fmt.Sprintf(doorsHead, "`"+strings.Join(routertest.Doors(), "`, `")+"`") +
		serverTable(doorRuns) + "\n" + table("a handler", routertest.Names(), doorRuns)
}

// byKind are the runs of this suite and those of routertest.
func byKind(r conformance.Report) (ofBackends, ofDoors []conformance.Run) {
	for _, run := range r.Runs {
		if strings.HasPrefix(run.Test, "TestDoors/") {
			ofDoors = append(ofDoors, run)
		} else {
			ofBackends = append(ofBackends, run)
		}
	}
	return ofBackends, ofDoors
}

// serverTable is where the suite has run, and how many cases were met.
func serverTable(rs []conformance.Run) string {
	var lines []string
	for _, be := range backends {
		for _, r := range of(be.name, rs) {
			met, all := r.Count(conformance.Met), len(r.Cases)
			lines = append(lines, fmt.Sprintf("| %s | %s | %s | %d of %d | %d | %d |\n",
				be.name, be.setting, r.Server, met, all, r.Count(conformance.NotMet), r.Count(conformance.NotApplicable)))
		}
	}
	return "| column | chosen by | server | cases met | not met | not applicable |\n|---|---|---|---|---|---|\n" +
		strings.Join(slices.Compact(lines), "")
}

// table is what the cases said, by backend.
func table(subject string, names []string, rs []conformance.Run) string {
	var b strings.Builder
	b.WriteString("| " + subject + " |")
	for _, be := range backends {
		b.WriteString(" " + be.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(backends)) + "\n")
	for _, name := range names {
		b.WriteString("| " + name + " |")
		for _, be := range backends {
			b.WriteString(" " + cell(name, of(be.name, rs)) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cell is what a case said on all servers.
func cell(name string, rs []conformance.Run) string {
	var said []string
	for _, r := range rs {
		said = append(said, r.Cases[name])
	}
	slices.Sort(said)
	return strings.Join(slices.Compact(said), "; ")
}

func of(backend string, rs []conformance.Run) (its []conformance.Run) {
	for _, r := range rs {
		if r.Backend == backend {
			its = append(its, r)
		}
	}
	return its
}
