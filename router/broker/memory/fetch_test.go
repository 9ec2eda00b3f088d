package memory

import (
	"testing"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// TestAReaderWakesForItsOwnPartitionOnly keeps what is finished, and what other topics get, from waking every
// reader there is.
func TestAReaderWakesForItsOwnPartitionOnly(t *testing.T) {
	t.Parallel()
	b := New()
	publish := func(topic string) {
		b.Sends().Produce(t.Context(), &broker.Record{Topic: topic}, func(_ broker.Receipt, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	publish("mine")
	_, next, grown := b.fetch(place{"mine", 0}, 0)
	publish("another")
	g := b.group(broker.Group{Name: "g"})
	g.store(place{"mine", 0}, dispatch.Progress{})
	g.finished(place{"mine", 0}, next)
	select {
	case <-grown:
		t.Error("woken for nothing")
	default:
	}
	publish("mine")
	select {
	case <-grown:
	default:
		t.Error("not woken")
	}
}
