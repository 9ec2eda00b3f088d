package testservers_test

import (
	"slices"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leat-go/leat/internal/testservers"
)

// TestAKafkaNodeCanBeCutOffFromTheOthers requires that a node whose ways are cut falls out of the replicas that
// are in sync while clients still reach it, and comes back when they are mended.
func TestAKafkaNodeCanBeCutOffFromTheOthers(t *testing.T) {
	t.Parallel()
	var ofOne []*toxiproxy.Proxy
	toxis := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	s := startKafka(t, testservers.KafkaOptions{Nodes: 3, Heap: "256m", Between: func(w testservers.KafkaWay) error {
		p := toxiproxy.NewProxy(toxis, "way", w.Listen, w.Upstream)
		if w.From == 1 || w.To == 1 {
			ofOne = append(ofOne, p)
		}
		t.Cleanup(p.Stop)
		return p.Start()
	}})
	if len(ofOne) != 8 {
		t.Fatalf("%d ways lead to node 1 or from it, want two of each of two listeners to each of two nodes", len(ofOne))
	}
	orders := createTopic(t, s.Brokers())
	orders.produce(t, "with three")
	orders.inSync(t, 1, true)
	for _, p := range ofOne {
		p.Stop()
	}
	orders.inSync(t, 1, false)
	if alone := (topic{s.Brokers()[:1], orders.name}).partitions(t); alone != 5 {
		t.Errorf("the node that is cut off tells clients of %d partitions, want 5", alone)
	}
	topic{s.Brokers()[1:], orders.name}.produce(t, "with two")
	for _, p := range ofOne {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
	}
	orders.inSync(t, 1, true)
}

// inSync waits until a node is among the replicas in sync of every partition, or of none, as node 2 sees it.
func (tp topic) inSync(t *testing.T, node int32, want bool) {
	t.Helper()
	other := func(p kadm.PartitionDetail) bool { return slices.Contains(p.ISR, node) != want }
	for deadline := time.Now().Add(time.Minute); ; {
		topics, err := kadm.NewClient(kafkaClient(t, tp.brokers[1:2])).ListTopics(t.Context(), tp.name)
		if err != nil {
			t.Fatal(err)
		}
		ps := topics[tp.name].Partitions.Sorted()
		if len(ps) > 0 && !slices.ContainsFunc(ps, other) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("node %d is in sync in vain, or never is: %v", node, ps)
		}
		<-time.After(100 * time.Millisecond)
	}
}
