package redis_test

import (
	"context"
	"testing"

	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
)

func client(t *testing.T, addr string) *goredis.Client {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestWatermillReadsOurEntries(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		publish(t, b, &broker.Record{
			Topic: topic, ID: "id-1", Key: []byte("k"), Value: []byte("v"),
			Headers: broker.Headers{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "b", Value: []byte("3")}},
		})
		entries := client(t, addr).XRange(context.Background(), topic, "-", "+").Val()
		if len(entries) != 1 {
			t.Fatalf("%d entries", len(entries))
		}
		msg, err := redisstream.DefaultMarshallerUnmarshaller{}.Unmarshal(entries[0].Values)
		if err != nil {
			t.Fatal(err)
		}
		want := message.Metadata{"leat-key": "k", "a": "2", "b": "3"}
		if diff := cmp.Diff(want, msg.Metadata); diff != "" || msg.UUID != "id-1" || string(msg.Payload) != "v" {
			t.Errorf("got %s %q, metadata:\n%s", msg.UUID, msg.Payload, diff)
		}
	})
}

func TestEntriesOfOthersAreRead(t *testing.T) {
	t.Parallel()
	watermill, err := redisstream.DefaultMarshallerUnmarshaller{}.Marshal("", &message.Message{
		UUID: "id-1", Metadata: message.Metadata{"a": "1"}, Payload: []byte("v"),
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		fields map[string]any
		want   broker.Record
	}{
		"of watermill": {watermill, broker.Record{ID: "id-1", Value: []byte("v"), Headers: broker.Headers{{Key: "a", Value: []byte("1")}}}},
		"of anybody":   {map[string]any{"b": "2", "a": "x"}, broker.Record{Value: []byte(`{"a":"x","b":"2"}`)}},
		"with malformed metadata": {
			map[string]any{"_watermill_message_uuid": "id-2", "metadata": "\xdf\xff\xff\xff\xff", "payload": "v"},
			broker.Record{ID: "id-2", Value: []byte("v")},
		},
		"without payload": {map[string]any{"_watermill_message_uuid": "id-3"}, broker.Record{ID: "id-3", Value: []byte{}}},
	}
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		got := make(chan *broker.Record, len(tests))
		join(t, b, group(topic, func(d broker.Delivery) { got <- d.Record(); d.Done() }))
		c := client(t, addr)
		for name, test := range tests {
			id, err := c.XAdd(t.Context(), &goredis.XAddArgs{Stream: topic, Values: test.fields}).Result()
			if err != nil {
				t.Fatal(err)
			}
			r := receive(t, got)
			test.want.Topic, test.want.Offset, test.want.Time = topic, id, r.Time
			if diff := cmp.Diff(&test.want, r); diff != "" || r.Time.IsZero() {
				t.Errorf("entry %s (-want +received):\n%s", name, diff)
			}
		}
	})
}
