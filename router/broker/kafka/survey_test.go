package kafka_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

func TestServersThatDoNotLeadYetAreAskedAgain(t *testing.T) {
	t.Parallel()
	for _, refusal := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable} {
		c, b := fake(t)
		produce(t, b.Sends(), keyed("t", 10, 10)...)
		h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: refusal, Count: 5})
		if got := read(t, b, broker.ReadOptions{Topics: []string{"t"}, UntilEnd: true}); len(got) != 10 {
			t.Errorf("%v: read %d messages, want 10", refusal, len(got))
		}
		if h.Hits() != 5 {
			t.Errorf("%v: %d refusals, want 5", refusal, h.Hits())
		}
	}
}

func TestAPartitionWithoutALeaderIsNotAskedForEver(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.LeaderNotAvailable, Count: -1})
	for _, err := range b.Read(within(t), broker.ReadOptions{Topics: []string{"t"}}) {
		if err == nil {
			t.Fatal("a message without a leader")
		}
		return
	}
	t.Error("no error")
}

// The ends may be read before another member commits what it has taken for them.
func TestAPositionAfterEndsThatWereReadBeforeItIsKept(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	produce(t, b.Sends(), keyed("t", 20, 10)...)
	commitEnds(t, c, "g", "t")
	var lied bool
	c.ControlKey(kmsg.ListOffsets.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		r := req.(*kmsg.ListOffsetsRequest)
		if lied || !askedForEnds(r) {
			return nil, nil, false
		}
		lied = true
		return zeroOffsets(r), nil, true
	})
	var got seen
	m := joinReady(t, b, "g", broker.Subscription{Topic: "t", Handle: got.handle})
	produce(t, b.Sends(), keyed("t", 1, 1)...)
	got.wait(t, 1)
	leave(t, m)
	if n := got.count(); n != 1 || !lied {
		t.Errorf("%d messages, want the new one alone", n)
	}
}

func commitEnds(t *testing.T, c *kfake.Cluster, group, topic string) {
	t.Helper()
	admin := adminOf(t, c.ListenAddrs())
	ends, err := admin.ListEndOffsets(within(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.CommitAllOffsets(within(t), group, ends.Offsets()); err != nil {
		t.Fatal(err)
	}
}

func askedForEnds(r *kmsg.ListOffsetsRequest) bool { return r.Topics[0].Partitions[0].Timestamp == -1 }

func zeroOffsets(r *kmsg.ListOffsetsRequest) kmsg.Response {
	resp := r.ResponseKind().(*kmsg.ListOffsetsResponse)
	for _, t := range r.Topics {
		rt := kmsg.NewListOffsetsResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rp := kmsg.NewListOffsetsResponseTopicPartition()
			rp.Partition, rp.Offset = p.Partition, 0
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

func TestTopicsAreCreatedTogetherAndOnlyOnce(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Observe: true, Count: -1})
	var ts []broker.TopicConfig
	for i := range 20 {
		ts = append(ts, broker.TopicConfig{Name: fmt.Sprint("new", i), Partitions: i + 1})
	}
	ts = append(ts, broker.TopicConfig{Name: "state", Kind: topics.KindState, Partitions: 3}, broker.TopicConfig{Name: "t"})
	for range 2 {
		if err := b.CreateTopics(within(t), ts...); err != nil {
			t.Fatal(err)
		}
	}
	if h.Hits() != 1 {
		t.Errorf("%d requests, want 1", h.Hits())
	}
	compareTopics(t, c, ts)
}

func compareTopics(t *testing.T, c *kfake.Cluster, ts []broker.TopicConfig) {
	t.Helper()
	admin := adminOf(t, c.ListenAddrs())
	details, err := admin.ListTopics(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range ts {
		if got := len(details[want.Name].Partitions); want.Partitions > 0 && got != want.Partitions {
			t.Errorf("topic %s has %d partitions, want %d", want.Name, got, want.Partitions)
		}
	}
	if policy := topicConfig(t, admin, "state", "cleanup.policy"); policy != "compact" {
		t.Errorf("a state topic is cleaned up by %q", policy)
	}
}

func topicConfig(t *testing.T, admin *kadm.Client, topic, key string) string {
	t.Helper()
	cs, err := admin.DescribeTopicConfigs(within(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(cs[0].Configs, func(c kadm.Config) bool { return c.Key == key })
	return cs[0].Configs[i].MaybeValue()
}
