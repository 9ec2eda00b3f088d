package conformance

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// attribute is that of a subtest (see testing.T.Attr) that says why its case did not run.
const attribute = "conformance"

// What a test said that is no outcome of a case.
const (
	unfinished = "did not end"
	failed     = "failed"
	undeclared = "skipped without a declaration"
)

// event is a line of go test -json: see go doc test2json, and go doc buildjson for those of packages that do not build.
type event struct{ Action, Package, Test, Key, Value, Output string }

// test is a test or subtest, and with an empty name its package.
type test struct{ pkg, name string }

func (t test) String() string {
	return strings.TrimSpace(strings.TrimPrefix(t.pkg, module) + " " + t.name)
}

// split is the test around a subtest, and the name within.
func (t test) split() (around test, name string) {
	i := max(strings.LastIndex(t.name, "/"), 0)
	return test{t.pkg, t.name[:i]}, strings.ReplaceAll(strings.TrimPrefix(t.name[i:], "/"), "_", " ")
}

// results are what tests said in the end.
type results struct {
	outcomes map[test]string
	declared map[test]string
	printed  map[test]string
}

// read reads the output of go test -json. It tells talk of each package that has ended.
func read(r io.Reader, talk io.Writer) (results, error) {
	rs := results{map[test]string{}, map[test]string{}, map[test]string{}}
	for lines := json.NewDecoder(r); ; {
		var e event
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			return rs, nil
		} else if err != nil {
			return rs, fmt.Errorf("read the output of go test: %w", err)
		}
		rs.add(e)
		if e.Action == "build-output" || e.Action == "output" && e.Test == "" {
			fmt.Fprint(talk, e.Output)
		}
	}
}

func (rs results) add(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "run":
		rs.outcomes[t] = unfinished
	case "attr":
		rs.declare(t, e)
	case "output":
		rs.printed[t] += e.Output
	case "pass":
		rs.outcomes[t] = Met
	case "fail":
		rs.outcomes[t] = failed
	case "skip":
		rs.outcomes[t] = cmp.Or(rs.declared[t], undeclared)
	}
}

// declare notes what the test cannot. That it was not given what it needs is no declaration.
func (rs results) declare(t test, e event) {
	if e.Key == attribute && (strings.HasPrefix(e.Value, NotMet) || strings.HasPrefix(e.Value, NotApplicable)) {
		rs.declared[t] = e.Value
	}
}

// cases are the tests without subtests, by the test around them.
func (rs results) cases() map[test]map[string]string {
	cases := map[test]map[string]string{}
	for t, outcome := range rs.outcomes {
		around, name := t.split()
		if cases[around] == nil {
			cases[around] = map[string]string{}
		}
		cases[around][name] = outcome
	}
	for t := range cases {
		around, name := t.split()
		delete(cases[around], name)
	}
	maps.DeleteFunc(cases, func(_ test, names map[string]string) bool { return len(names) == 0 })
	return cases
}

// fault joins what is no outcome of a case, with what was printed.
func (rs results) fault() error {
	var faults []error
	for _, t := range inOrder(rs.outcomes) {
		switch outcome := rs.outcomes[t]; outcome {
		case unfinished, failed, undeclared:
			faults = append(faults, fmt.Errorf("%v: %s\n%s", t, outcome, rs.printed[t]))
		}
	}
	return errors.Join(faults...)
}

// inOrder are tests by package and name.
func inOrder[V any](of map[test]V) []test {
	return slices.SortedFunc(maps.Keys(of), func(a, b test) int {
		return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.name, b.name))
	})
}
