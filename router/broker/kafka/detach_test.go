package kafka

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

func TestAParkedRecordSharesNoMemoryWithItsBatch(t *testing.T) {
	t.Parallel()
	batch := []byte("key value header")
	r := &broker.Record{
		Topic: "t", Partition: 1, Offset: "7", Key: batch[:3], Value: batch[4:9],
		Headers: broker.Headers{{Key: "h", Value: batch[10:]}}, ID: "id",
	}
	d, was := detached(r), *r
	want := broker.Record{
		Topic: "t", Partition: 1, Offset: "7", Key: []byte("key"), Value: []byte("value"),
		Headers: broker.Headers{{Key: "h", Value: []byte("header")}}, ID: "id",
	}
	clear(batch)
	if diff := cmp.Diff(want, *d); diff != "" {
		t.Error(diff)
	}
	if string(was.Key) == "key" {
		t.Error("the test shares nothing itself")
	}
	if tomb := detached(&broker.Record{}); tomb.Value != nil || tomb.Key != nil {
		t.Error("nil became empty")
	}
}
