package redis_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

func TestRecordsKeepEverything(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 3, 4, 5, 6, 7, 89, time.UTC)
	records := map[string]broker.Record{
		"plain":            {ID: "a", Key: []byte("k"), Value: []byte("v"), Time: when},
		"no key":           {ID: "b", Value: []byte("v"), Time: when},
		"tombstone":        {ID: "c", Key: []byte("k"), Time: when},
		"empty value":      {ID: "d", Key: []byte("k"), Value: []byte{}, Time: when},
		"bytes":            {ID: "e", Key: []byte{0, 255, 10}, Value: []byte{0, 255, 13}, Time: when},
		"headers in order": {ID: "f", Value: []byte("v"), Time: when, Headers: broker.Headers{{Key: "z", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "m", Value: []byte{}}}},
		"repeated headers": {ID: "g", Value: []byte("v"), Time: when, Headers: broker.Headers{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}, {Key: "a", Value: []byte("3")}}},
		"nil header":       {ID: "h", Value: []byte("v"), Time: when, Headers: broker.Headers{{Key: "a", Value: nil}}},
		"reserved header":  {ID: "i", Value: []byte("v"), Time: when, Headers: broker.Headers{{Key: "leat-key", Value: []byte("mine")}}},
	}
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		got := make(chan *broker.Record, len(records))
		join(t, b, group(topic, func(d broker.Delivery) { got <- d.Record(); d.Done() }))
		for name, want := range records {
			want.Topic = topic
			want.Offset = publish(t, b, &want).Offset
			if diff := cmp.Diff(&want, receive(t, got)); diff != "" {
				t.Errorf("%s (-published +received):\n%s", name, diff)
			}
		}
	})
}
