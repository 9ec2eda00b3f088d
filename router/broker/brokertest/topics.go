package brokertest

import (
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

var topicCases = []testCase{
	{name: "creating a topic twice changes nothing", run: createTwice},
	{name: "a topic has the partitions it was created with", run: partitionsAsAsked},
	{name: "topics are listed by name", run: listed},
	{name: "a State topic keeps the latest of each key", run: compaction},
	{name: "a group reads a State topic up to the latest of each key", run: compactedGroup},
}

func (in *instance) topics() []broker.TopicInfo {
	in.b.Helper()
	infos, err := in.Topics(in.b.within())
	if err != nil {
		in.b.Fatalf("list topics: %v", err)
	}
	return infos
}

func (in *instance) topic(name string) (broker.TopicInfo, bool) {
	in.b.Helper()
	for _, info := range in.topics() {
		if info.Name == name {
			return info, true
		}
	}
	return broker.TopicInfo{}, false
}

func createTwice(b *bench) {
	in, topic := b.stage(2)
	in.publish(texts(topic, "a1")...)
	before, _ := in.topic(topic)
	other := unique("conformance")
	for _, client := range []*instance{in, b.instance()} {
		b.create(client, broker.TopicConfig{Name: topic, Partitions: 5, Kind: topics.KindState})
		if err := client.CreateTopics(b.within(), broker.TopicConfig{Name: topic}, broker.TopicConfig{Name: other}); err != nil {
			b.Errorf("create one that exists and one that does not: %v", err)
		}
	}
	after, _ := in.topic(topic)
	if diff := cmp.Diff(before, after); diff != "" {
		b.Error(diff)
	}
	if _, ok := in.topic(other); !ok {
		b.Error("a topic was not created because another one exists")
	}
	if diff := cmp.Diff([]string{"a1"}, values(in.read(topic))); diff != "" {
		b.Error(diff)
	}
}

func partitionsAsAsked(b *bench) {
	in := b.instance()
	for _, n := range []int{1, 3} {
		topic := b.topic(in, n)
		if info, ok := in.topic(topic); !ok || info.Partitions != n {
			b.Errorf("the topic is there: %v, with %d partitions, want %d", ok, info.Partitions, n)
		}
	}
}

func listed(b *bench) {
	in := b.instance()
	mine := []string{b.topic(in, 1), b.topic(in, 2), b.topic(in, 1)}
	var names []string
	for _, info := range b.instance().topics() { // another client knows them too
		names = append(names, info.Name)
	}
	if !slices.IsSortedFunc(names, strings.Compare) {
		b.Errorf("not sorted: %v", names)
	}
	for _, name := range mine {
		if !slices.Contains(names, name) {
			b.Errorf("%s is missing", name)
		}
	}
}

func (b *bench) stateTopic(in *instance) string {
	b.Helper()
	return b.topic(in, 1, func(c *broker.TopicConfig) { c.Kind = topics.KindState })
}

func compaction(b *bench) {
	in := b.instance()
	topic := b.stateTopic(in)
	gone := record(topic, "c", "")
	gone.Value = nil
	in.oneByOne(append(texts(topic, "a1", "b1", "c1", "a2", "a3"), gone)...)
	rs := slices.DeleteFunc(in.read(topic), func(r *broker.Record) bool { return r.Value == nil })
	if diff := cmp.Diff([]string{"b1", "a3"}, values(rs)); diff != "" {
		b.Error(diff)
	}
}

// compactedGroup also restarts, so that positions in a log with gaps are seen to be kept.
func compactedGroup(b *bench) {
	in := b.instance()
	topic := b.stateTopic(in)
	var got seen
	s := broker.Subscription{Topic: topic, Concurrency: 2, Handle: got.done}
	in.oneByOne(texts(topic, "a1", "b1", "a2", "b2", "a3")...)
	in.join(s)
	got.waitFor(b, "a3", "b2")
	in = in.restart()
	in.oneByOne(texts(topic, "b3", "b4", "a4")...)
	in.join(s)
	got.waitFor(b, "a4", "b4")
	for key, vs := range byKey(got.all()) {
		if !slices.IsSorted(vs) || len(compact(vs)) != len(vs) {
			b.Errorf("%s: %v came, want each once and in order", key, vs)
		}
	}
}
