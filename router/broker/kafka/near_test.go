package kafka_test

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leat-go/leat/router/broker"
)

func TestToLookForTopicsTakesNoNewConnection(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	if err := b.Connect(within(t)); err != nil {
		t.Fatal(err)
	}
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ApiVersions}, Observe: true, Count: -1})
	lookForTopics(t, b)
	if h.Hits() > 0 {
		t.Errorf("%d new connections", h.Hits())
	}
}

func TestAnotherServerIsAskedWhenTheNearOneDoesNotAnswer(t *testing.T) {
	t.Parallel()
	c, b := fake(t)
	if err := b.Connect(within(t)); err != nil {
		t.Fatal(err)
	}
	cut := 0
	c.ControlKey(kmsg.Metadata.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		cut++
		return nil, errors.New("cut"), true // closes the connection
	})
	lookForTopics(t, b)
	if cut != 1 {
		t.Errorf("%d connections were cut", cut)
	}
}

func lookForTopics(t *testing.T, b broker.Broker) {
	t.Helper()
	infos, err := b.Topics(within(t))
	if err != nil || len(infos) != 1 || infos[0] != (broker.TopicInfo{Name: "t", Partitions: 2}) {
		t.Errorf("topics %v, %v", infos, err)
	}
	if err := b.CreateTopics(within(t), broker.TopicConfig{Name: "t"}); err != nil {
		t.Error(err)
	}
}
