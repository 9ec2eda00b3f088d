package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// What a case can say. The last two go on with the reason.
const (
	Met           = "met"
	NotMet        = "not met: "
	NotApplicable = "not applicable: "
)

// Report is what the suites said on one day.
type Report struct {
	Date string `json:"date"` // as in 2006-01-02
	Took string `json:"took"` // as in 2m30s on 2 cores
	Runs []Run  `json:"runs"`
}

// Run is one test that ran a suite on one server.
type Run struct {
	Backend string            `json:"backend"`
	Server  string            `json:"server"`  // with its version
	Package string            `json:"package"` // its folder in the repository
	Test    string            `json:"test"`
	Cases   map[string]string `json:"cases"` // by name: Met, or NotMet or NotApplicable with the reason
}

// Load reads a report.
func Load(file string) (r Report, err error) {
	data, err := os.ReadFile(file) //nolint:gosec // the caller's own file
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", file, err)
	}
	return r, nil
}

// Save writes the report for [Load].
func (r Report) Save(file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644) //nolint:gosec // a page for everybody
}

// Count is how many cases said that, with whatever reason.
func (r Run) Count(outcome string) (n int) {
	for _, said := range r.Cases {
		if strings.HasPrefix(said, outcome) {
			n++
		}
	}
	return n
}
