package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/leat-go/leat/codec/avro"
)

// The values of verdictRow.Status.
const (
	schemaSame         = "same"
	schemaNew          = "new"
	schemaMissing      = "missing"
	schemaCompatible   = "compatible"
	schemaIncompatible = "incompatible"
	schemaRegistered   = "registered"
)

// verdictRow is what a registry or a golden file says about a derived schema.
type verdictRow struct {
	Topic      string      `json:"topic"`
	Subject    string      `json:"subject"`
	Against    string      `json:"against"`      // what it was compared with; "" when there is nothing yet
	Version    int         `json:"version"`      // the latest that is registered; 0: none, or a file
	ID         int         `json:"id,omitempty"` // once it is registered
	Level      string      `json:"level"`        // the compatibility that is asked for
	Status     string      `json:"status"`
	Compatible bool        `json:"compatible"`
	Rollout    string      `json:"rollout"` // "" without a change
	Changes    []changeRow `json:"changes"`
	Refusals   []string    `json:"refusals"` // the registry's own reasons

	story string // for people
}

type changeRow struct {
	Path          string `json:"path"` // "" for the schema itself
	Change        string `json:"change"`
	Backward      bool   `json:"backward"` // new readers read old data
	BackwardFault string `json:"backward_fault"`
	Forward       bool   `json:"forward"` // old readers read new data
	ForwardFault  string `json:"forward_fault"`
}

func changeRows(d *avro.Difference) []changeRow {
	rows := make([]changeRow, len(d.Changes))
	for i, c := range d.Changes {
		rows[i] = changeRow{c.Path, c.What, c.Backward == "", c.Backward, c.Forward == "", c.Forward}
	}
	return rows
}

// judged asks the registry about every topic.
func (c *schemas) judged(ctx context.Context) ([]verdictRow, error) {
	rows := make([]verdictRow, len(c.topics))
	for i, t := range c.topics {
		v, err := c.codec.Judge(ctx, subjectOf(t))
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, err)
		}
		rows[i] = registryRow(t.Name, v)
	}
	return rows, nil
}

func registryRow(topic string, v *avro.Verdict) verdictRow {
	r := verdictRow{
		Topic: topic, Subject: v.Subject, Version: v.Version, Level: v.Level, Compatible: v.Compatible,
		Refusals: append([]string{}, v.Refusals...),
	}
	if v.Version > 0 {
		r.Against = v.Subject + " version " + strconv.Itoa(v.Version)
	}
	r.compare(v.Difference)
	if v.Version == 0 {
		r.Status = schemaNew
	}
	for _, text := range v.Refusals {
		r.story += "\nthe registry refuses it: " + text
	}
	return r
}

// compare fills in what changed. Compatible has to be known.
func (r *verdictRow) compare(d *avro.Difference) {
	r.Changes, r.story = changeRows(d), d.String()
	switch {
	case !r.Compatible:
		r.Status = schemaIncompatible
	case len(d.Changes) == 0:
		r.Status = schemaSame
	default:
		r.Status = schemaCompatible
	}
	if len(d.Changes) > 0 {
		r.Rollout = string(d.Rollout())
	}
}

// conclude prints verdicts and returns the error for those that are incompatible.
func (s *session) conclude(rows []verdictRow) error {
	t := table{header: []string{"topic", "against", "level", "status", "rollout"}}
	bad := 0
	for _, r := range rows {
		t.rows = append(t.rows, []string{r.Topic, r.Against, r.Level, r.Status, r.Rollout})
		if s.flags.output == asTable {
			s.tell(r)
		}
		if !r.Compatible {
			bad++
		}
	}
	if err := s.print(append([]verdictRow{}, rows...), t); err != nil || bad == 0 {
		return err
	}
	return &exitError{exitDrift, errors.New(incompatible(rows, bad))}
}

// tell explains a verdict.
func (s *session) tell(r verdictRow) {
	if text := strings.TrimSpace(r.story); text != "" {
		s.say("%s: %s\n  %s", r.Topic, r.headline(), strings.ReplaceAll(text, "\n", "\n  "))
	}
}

func (r *verdictRow) headline() string {
	if r.Status == schemaMissing {
		return "no golden file"
	}
	return fmt.Sprintf("%s with %s at level %s", r.Status, r.Against, r.Level)
}

func incompatible(rows []verdictRow, bad int) string {
	missing := 0
	for _, r := range rows {
		if r.Status == schemaMissing {
			missing++
		}
	}
	if missing == bad {
		return count(missing, "golden file") + " missing: write them with `schema show TOPIC > FILE`"
	}
	return count(bad, "schema") + " incompatible: change the type so that every field can be read, or publish the new type to a topic of its own"
}
