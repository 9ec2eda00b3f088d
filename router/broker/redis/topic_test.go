package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

func TestTopicsAreRegistered(t *testing.T) {
	t.Parallel()
	eachOwn(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		for _, partitions := range []int{3, 5} { // the second changes nothing
			if err := b.CreateTopics(t.Context(),
				broker.TopicConfig{Name: "orders", Kind: topics.KindCommand, Partitions: partitions},
				broker.TopicConfig{Name: "accounts", Kind: topics.KindState}); err != nil {
				t.Fatal(err)
			}
		}
		client(t, addr).XAdd(t.Context(), &goredis.XAddArgs{Stream: "foreign", Values: []string{"a", "b"}})
		if err := b.CreateTopics(t.Context(), broker.TopicConfig{Name: "foreign", Partitions: 4}); err != nil {
			t.Fatal(err)
		}
		want := []broker.TopicInfo{
			{Name: "accounts", Partitions: 1, Kind: topics.KindState},
			{Name: "foreign", Partitions: 1},
			{Name: "orders", Partitions: 3, Kind: topics.KindCommand},
		}
		got, err := b.Topics(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestNamesWithBracesOrColonsAreAFault(t *testing.T) {
	t.Parallel()
	b := open(t, testservers.EmbeddedRedis(t).Addr)
	for _, name := range []string{"a:b", "{a}", "", "a}"} {
		if err := b.CreateTopics(t.Context(), broker.TopicConfig{Name: name}); err == nil {
			t.Errorf("topic %q was created", name)
		}
		if _, err := send(t, b, &broker.Record{Topic: name}); err == nil {
			t.Errorf("topic %q was published to", name)
		}
		if _, err := b.Join(t.Context(), group(name, func(broker.Delivery) {})); err == nil {
			t.Errorf("topic %q was joined", name)
		}
	}
}

func TestKeysChoosePartitionsAndKeylessTakeTurns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 3)
		for i := range 20 {
			key := fmt.Appendf(nil, "key-%d", i)
			if p := publish(t, b, &broker.Record{Topic: topic, Key: key}).Partition; p != broker.PartitionOf(key, 3) {
				t.Errorf("key %s is in partition %d", key, p)
			}
		}
		seen := map[int32]int{}
		for range 9 {
			seen[publish(t, b, &broker.Record{Topic: topic, Value: []byte("v")}).Partition]++
		}
		if diff := cmp.Diff(map[int32]int{0: 3, 1: 3, 2: 3}, seen); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStateKeepsTheNewestOfEveryKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1, func(c *broker.TopicConfig) { c.Kind = topics.KindState })
		var last string
		for i := range 30 {
			last = publish(t, b, &broker.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i%3), Value: fmt.Append(nil, i)}).Offset
		}
		publish(t, b, &broker.Record{Topic: topic, Key: []byte("k0")})
		var got []string
		for r, err := range b.Read(t.Context(), broker.ReadOptions{Topics: []string{topic}, UntilEnd: true}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s=%s %v", r.Key, r.Value, r.Value == nil))
		}
		if diff := cmp.Diff([]string{"k1=28 false", "k2=29 false", "k0= true"}, got); diff != "" {
			t.Error(diff)
		}
		if id := client(t, addr).HGet(t.Context(), "{"+topic+"}:latest", "k2").Val(); id != last {
			t.Errorf("latest of k2 is %s, not %s", id, last)
		}
	})
}

func TestReadBetweenTimes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 2)
		var times []time.Time
		for i := range 6 {
			rc := publish(t, b, &broker.Record{Topic: topic, Value: fmt.Append(nil, i)})
			times = append(times, rc.Time)
			until(t, "the clock moves", func() bool { return time.Now().After(rc.Time.Add(3 * time.Millisecond)) })
		}
		read := func(o broker.ReadOptions) (n int) {
			o.Topics = []string{topic}
			for _, err := range b.Read(t.Context(), o) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			return n
		}
		for name, test := range map[string]struct {
			o    broker.ReadOptions
			want int
		}{
			"all":         {broker.ReadOptions{UntilEnd: true}, 6},
			"since":       {broker.ReadOptions{Since: times[2], UntilEnd: true}, 4},
			"until":       {broker.ReadOptions{Until: times[2]}, 3},
			"since until": {broker.ReadOptions{Since: times[1], Until: times[3]}, 3},
			"latest":      {broker.ReadOptions{Start: broker.StartLatest, UntilEnd: true}, 0},
		} {
			if n := read(test.o); n != test.want {
				t.Errorf("%s: %d records, not %d", name, n, test.want)
			}
		}
	})
}

func TestReadFollows(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 2)
		publish(t, b, &broker.Record{Topic: topic, Value: []byte("v")})
		n := 0
		for _, err := range b.Read(t.Context(), broker.ReadOptions{Topics: []string{topic}, Since: time.Now().Add(-time.Hour)}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 5 {
				break
			}
			publish(t, b, &broker.Record{Topic: topic, Value: []byte("v")})
		}
	})
}
