package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

func newDescribe(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "describe",
		Short: "Show handlers and topics without connecting to anything",
		Long: `Show the handlers of the service with their groups and policies, and the topics that it declares.
Nothing is built and nothing is connected to.`,
		Example: `  leat describe
  leat describe -o json | jq '.handlers[].name'`,
		Args: cobra.NoArgs,
		RunE: s.command(func(_ context.Context, s *session, _ []string) error { return describe(s) }),
	}
}

// description is what `describe` shows.
type description struct {
	Broker   string       `json:"broker"`
	Handlers []handlerRow `json:"handlers"`
	Topics   []specRow    `json:"topics"`
}

type handlerRow struct {
	Name        string `json:"name"`
	Topic       string `json:"topic"`
	Group       string `json:"group"`
	Out         string `json:"out"`         // "" when there are no results
	DeadLetter  string `json:"dead_letter"` // "" when dead letters are dropped
	Concurrency int    `json:"concurrency"`
	Retries     int    `json:"retries"`
	BatchSize   int    `json:"batch_size"` // 0 for single messages
	Broadcast   bool   `json:"broadcast"`
}

type specRow struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Type       string `json:"type"`
	Format     string `json:"format"`
	Partitions int    `json:"partitions"` // 0: the broker's default
	Keyed      bool   `json:"keyed"`
	KeyFormat  string `json:"key_format,omitempty"` // "": text
}

func describe(s *session) error {
	l, err := s.load()
	if err != nil {
		return err
	}
	a := s.service()
	infos, err := a.Handlers()
	if err != nil {
		return faulty(err)
	}
	specs, err := a.Topics()
	if err != nil {
		return faulty(err)
	}
	d := description{l.Settings.Broker(), handlerRows(infos), specRows(specs)}
	if s.flags.output != asTable {
		return s.print(d, table{})
	}
	if !isTerminal(s.out) {
		return printTabs(s.out, append(tagged("handler", handlerTable(d.Handlers)), tagged("topic", specTable(d.Topics))...))
	}
	if err := printTable(s.out, handlerTable(d.Handlers)); err != nil {
		return err
	}
	s.say("")
	return printTable(s.out, specTable(d.Topics))
}

// tagged puts what a row is before it, for lines that have no header.
func tagged(what string, t table) [][]string {
	rows := make([][]string, len(t.rows))
	for i, r := range t.rows {
		rows[i] = append([]string{what}, r...)
	}
	return rows
}

func handlerRows(infos []router.HandlerInfo) []handlerRow {
	rows := make([]handlerRow, len(infos))
	for i, h := range infos {
		rows[i] = handlerRow{
			Name: h.Name, Topic: h.Topic, Group: h.Group, Out: h.Out, DeadLetter: h.DeadLetter,
			Concurrency: h.Concurrency, Retries: h.Retries, BatchSize: h.BatchSize, Broadcast: h.Broadcast,
		}
	}
	return rows
}

func handlerTable(rows []handlerRow) table {
	t := table{header: []string{"handler", "topic", "group", "out", "dead_letter", "concurrency", "retries", "batch"}}
	for _, r := range rows {
		t.rows = append(t.rows, []string{
			r.Name, r.Topic, r.Group, r.Out, r.DeadLetter,
			strconv.Itoa(r.Concurrency), strconv.Itoa(r.Retries), orDefault(r.BatchSize),
		})
	}
	return t
}

func specRows(specs []topics.Spec) []specRow {
	rows := make([]specRow, len(specs))
	for i, t := range specs {
		rows[i] = specRow{
			Name: t.Name, Kind: string(t.Kind), Format: string(t.Format), Partitions: t.Partitions, Keyed: t.Key != nil,
		}
		rows[i].Type, rows[i].KeyFormat = t.TypeText(), string(t.KeyFormat)
	}
	return rows
}

func specTable(rows []specRow) table {
	t := table{header: []string{"topic", "kind", "type", "format", "partitions", "keyed"}}
	for _, r := range rows {
		t.rows = append(t.rows, []string{r.Name, r.Kind, r.Type, r.Format, orDefault(r.Partitions), keyedText(r.Keyed, r.KeyFormat)})
	}
	return t
}
