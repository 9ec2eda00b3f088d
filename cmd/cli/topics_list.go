package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

func newTopicsList(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the topics of the broker and those that the service declares",
		Long: `List the topics of the broker and those that the service declares, dead letter topics
included. The column drift says where the two differ; it is empty where they agree.`,
		Example: `  leat topics list
  leat topics list -o json | jq -r '.[] | select(.drift != "") | .name'`,
		Args: cobra.NoArgs,
		RunE: s.command(func(ctx context.Context, s *session, _ []string) error { return listTopics(ctx, s) }),
	}
}

// topicRow is a topic as `topics list` shows it.
type topicRow struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"` // that exist; 0 when the topic is missing
	Broker     string `json:"broker"`
	Declared   bool   `json:"declared"`
	Drift      string `json:"drift"` // "" when declared and actual agree
}

func listTopics(ctx context.Context, s *session) error {
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
	if len(rows) == 0 {
		s.say("no topics on %s; create one with `%s topics create NAME --partitions 3`", c.broker.Name(), s.name)
	}
	return s.print(rows, topicTable(rows))
}

func topicTable(rows []topicRow) table {
	t := table{header: []string{"name", "partitions", "broker", "declared", "drift"}}
	for _, r := range rows {
		t.rows = append(t.rows, []string{r.Name, strconv.Itoa(r.Partitions), r.Broker, yesNo(r.Declared), r.Drift})
	}
	return t
}

// topicRows joins what exists and what is planned, sorted by name.
func topicRows(have []broker.TopicInfo, plan []broker.TopicConfig, brokerOf func(topic string) string) []topicRow {
	rows := map[string]topicRow{}
	for _, h := range have {
		rows[h.Name] = topicRow{Name: h.Name, Partitions: h.Partitions, Broker: brokerOf(h.Name)}
	}
	for _, p := range plan {
		i := slices.IndexFunc(have, func(h broker.TopicInfo) bool { return h.Name == p.Name })
		row := topicRow{Name: p.Name, Broker: brokerOf(p.Name), Declared: true, Drift: "missing"}
		if i >= 0 {
			row.Partitions, row.Drift = have[i].Partitions, drift(have[i], p)
		}
		rows[p.Name] = row
	}
	sorted := slices.SortedFunc(maps.Values(rows), func(a, b topicRow) int { return cmp.Compare(a.Name, b.Name) })
	return append([]topicRow{}, sorted...) // [] and not null
}

// drift says how a topic differs from its declaration.
func drift(have broker.TopicInfo, want broker.TopicConfig) string {
	var ds []string
	if want.Partitions > 0 && want.Partitions != have.Partitions {
		ds = append(ds, fmt.Sprintf("partitions %d, declared %d", have.Partitions, want.Partitions))
	}
	if have.Kind != "" && (have.Kind == topics.KindState) != (want.Kind == topics.KindState) {
		ds = append(ds, fmt.Sprintf("%s, declared %s", cleanup(have.Kind), cleanup(want.Kind)))
	}
	return strings.Join(ds, "; ")
}

func cleanup(k topics.Kind) string {
	if k == topics.KindState {
		return "compacted"
	}
	return "not compacted"
}
