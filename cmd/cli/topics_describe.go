package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

func newTopicsDescribe(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "describe NAME",
		Short: "Show one topic: what exists, what is declared, who reads and writes it",
		Example: `  leat topics describe orders
  leat topics describe orders -o yaml`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.completeTopics,
		RunE:              s.command(func(ctx context.Context, s *session, args []string) error { return describeTopic(ctx, s, args[0]) }),
	}
}

// topicDetail is what `topics describe` shows.
type topicDetail struct {
	topicRow

	Exists      bool     `json:"exists"`
	Kind        string   `json:"kind"`
	Type        string   `json:"type,omitempty"`
	Format      string   `json:"format,omitempty"`
	Keyed       bool     `json:"keyed"`
	KeyFormat   string   `json:"key_format,omitempty"` // "": text
	Replication int      `json:"replication"`          // declared; 0: the broker's default
	Retention   string   `json:"retention"`            // declared; "" : the default
	Readers     []string `json:"readers"`              // handlers
	Writers     []string `json:"writers"`
}

func describeTopic(ctx context.Context, s *session, name string) error {
	c, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer c.close(ctx)
	have, err := c.broker.Topics(ctx)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	rows := topicRows(have, c.router.Plan(), c.brokerOf)
	i := slices.IndexFunc(rows, func(r topicRow) bool { return r.Name == name })
	if i < 0 {
		return noTopic(s, name, rows)
	}
	d := topicDetail{topicRow: rows[i], Exists: slices.ContainsFunc(have, func(h broker.TopicInfo) bool { return h.Name == name })}
	d.add(c.router, have)
	return s.print(d, d.table())
}

// noTopic is the error for a topic that neither exists nor is declared.
func noTopic(s *session, name string, rows []topicRow) error {
	hint := ""
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	if near := nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %s? Else ", near)
	}
	return fmt.Errorf("topic %s does not exist: %screate it with `%s topics create %s --partitions 3`", name, hint, s.name, name)
}

func (d *topicDetail) add(r *router.Router, have []broker.TopicInfo) {
	for _, h := range have {
		if h.Name == d.Name {
			d.Kind = string(h.Kind)
		}
	}
	for _, spec := range r.Topics() {
		if spec.Name == d.Name {
			d.declared(spec)
		}
	}
	d.Readers, d.Writers = []string{}, []string{}
	for _, h := range r.Handlers() {
		if h.Topic == d.Name {
			d.Readers = append(d.Readers, h.Name)
		}
		if h.Out == d.Name || h.DeadLetter == d.Name {
			d.Writers = append(d.Writers, h.Name)
		}
	}
}

func (d *topicDetail) declared(spec topics.Spec) {
	d.Kind, d.Format, d.Keyed, d.Replication = string(spec.Kind), string(spec.Format), spec.Key != nil, spec.Replication
	d.Type, d.KeyFormat = spec.TypeText(), string(spec.KeyFormat)
	if spec.Retention != 0 {
		d.Retention = spec.Retention.String()
	}
}

func (d *topicDetail) table() table {
	return table{header: []string{"topic", d.Name}, rows: [][]string{
		{"broker", d.Broker},
		{"exists", yesNo(d.Exists)},
		{"declared", yesNo(d.Declared)},
		{"drift", d.Drift},
		{"partitions", strconv.Itoa(d.Partitions)},
		{"kind", d.Kind},
		{"type", d.Type},
		{"format", d.Format},
		{"keyed", keyedText(d.Keyed, d.KeyFormat)},
		{"replication", orDefault(d.Replication)},
		{"retention", d.Retention},
		{"readers", strings.Join(d.Readers, ", ")},
		{"writers", strings.Join(d.Writers, ", ")},
	}}
}

// keyedText tells whether messages have keys, and their format where that is not text.
func keyedText(keyed bool, format string) string {
	if format == "" {
		return yesNo(keyed)
	}
	return format
}

func orDefault(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
