package conformance

import (
	"errors"
	"fmt"
	"maps"
)

// runs are what the suites said, on servers with these names. Every suite must have run, and nothing else.
func (rs results) runs(suites []suite, servers map[string]string) (runs []Run, err error) {
	if err := rs.fault(); err != nil {
		return nil, err
	}
	cases := rs.cases()
	for _, s := range suites {
		mine := maps.Clone(cases)
		maps.DeleteFunc(mine, func(t test, _ map[string]string) bool { return !s.has(t) })
		if len(mine) == 0 {
			err = errors.Join(err, fmt.Errorf("no case of %s %s has run", s.folder, s.test))
		}
		for _, t := range inOrder(mine) {
			runs = append(runs, Run{s.backend, servers[s.server], s.folder, t.name, cases[t]})
			delete(cases, t)
		}
	}
	for _, t := range inOrder(cases) {
		err = errors.Join(err, fmt.Errorf("%v is of no suite in internal/conformance", t))
	}
	return runs, err
}
