package kafka

import (
	"context"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAnEarlySurveyIsUsedOnceAndOnlyWhenItFits(t *testing.T) {
	t.Parallel()
	c, m := surveyor(t)
	asked := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Observe: true, Count: -1})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name  string
		ctx   context.Context //nolint:containedctx // of the early one
		early []string
		want  []string
		asks  int
	}{
		{"it fits", t.Context(), []string{"t", "u"}, []string{"t", "u"}, 1},
		{"it was used", nil, nil, []string{"t", "u"}, 1},
		{"it is about less", t.Context(), []string{"t"}, []string{"t", "u"}, 2},
		{"it failed", over, []string{"t"}, []string{"t"}, 1},
	} {
		before := asked.Hits()
		if tt.early != nil {
			m.surveyEarly(tt.ctx, tt.early)
			<-m.early.Load().over
		}
		s, err := m.surveyOf(t.Context(), tt.want)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := s.details.Names(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: a survey of %v", tt.name, got)
		}
		if n := asked.Hits() - before; n != tt.asks {
			t.Errorf("%s: asked %d times, want %d", tt.name, n, tt.asks)
		}
	}
}

// surveyor is a member that only asks.
func surveyor(t *testing.T) (*kfake.Cluster, *member) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "t", "u"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	m := &member{consumer: new(consumer)}
	m.group.Name, m.admin = "g", kadm.NewClient(cl)
	var os kadm.Offsets
	os.AddOffset("t", 0, 0, -1)
	if err := m.admin.CommitAllOffsets(t.Context(), "g", os); err != nil { // a group that is there
		t.Fatal(err)
	}
	return c, m
}
