package redis_test

import (
	"testing"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

func asCommands(c *broker.TopicConfig) { c.Kind = topics.KindCommand }

// TestCommandsGoAwayWhenTheyAreDone holds one of them back: those before it go, those behind
// it stay, and all go when it is done.
func TestCommandsGoAwayWhenTheyAreDone(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{"partitioned", "competing"} {
		t.Run(delivery, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, addr string) {
				t.Helper()
				b := open(t, addr, func(c *settings.Redis) { c.Delivery = delivery })
				topic := create(t, b, 1, asCommands)
				began, goOn := make(chan struct{}, 1), make(chan struct{})
				var seen ids
				join(t, b, group(topic, func(d broker.Delivery) {
					if d.Record().ID == "slow" {
						began <- struct{}{}
						<-goOn
					}
					seen.handle(d)
				}))
				left := func() int64 { return client(t, addr).XLen(t.Context(), topic).Val() }
				publishAll(t, b.Sends(), topic, "before", 150).Wait()
				publish(t, b, &broker.Record{Topic: topic, ID: "slow", Key: []byte("slow")})
				receive(t, began)
				publishAll(t, b.Sends(), topic, "behind", 150).Wait()
				until(t, "all but the slow one are handled", func() bool { return seen.has("before", 150) && seen.has("behind", 150) })
				until(t, "those before it are gone, and no other", func() bool { return left() == 151 })
				close(goOn)
				until(t, "all are gone", func() bool { return left() == 0 })
			})
		})
	}
}

func limited(t *testing.T, addr string) (*redis.Broker, *logBook) {
	t.Helper()
	log := newLogBook(t)
	return opened(t, settings.Redis{URL: settings.URL("redis://" + addr), Lease: 3 * time.Second, StreamMaxLen: 500}, log), log
}

const cutUnread = "redis.stream_max_len cut entries that a group has not finished"

func TestABoundedStreamSaysWhatItCuts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b, log := limited(t, addr)
		c := client(t, addr)
		topic, late, unread := create(t, b, 1), create(t, b, 1), create(t, b, 1)
		var seen ids
		join(t, b, group(topic, seen.handle))
		for _, prefix := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
			publishAll(t, b.Sends(), topic, prefix, 150).Wait()
			until(t, "all is handled", func() bool { return seen.has(prefix, 150) })
			until(t, "and acknowledged", func() bool { return c.XPending(t.Context(), topic, "g").Val().Count == 0 })
			publishAll(t, b.Sends(), unread, prefix, 150).Wait()
		}
		if log.count(cutUnread) > 0 {
			t.Error("nothing was cut that a group needs")
		}
		if err := c.XGroupCreateMkStream(t.Context(), late, "behind", "0").Err(); err != nil {
			t.Fatal(err)
		}
		publishAll(t, b.Sends(), late, "m", 2000).Wait()
		if n := log.count(cutUnread); n != 1 || log.count("group=behind") != 1 {
			t.Errorf("it was said %d times", n)
		}
		for _, s := range []string{topic, late, unread} {
			if n := c.XLen(t.Context(), s).Val(); n < 500 || n > 700 {
				t.Errorf("%s has %d entries", s, n)
			}
		}
	})
}

// TestABoundedStreamSaysThatItCutsWhatIsInHand has a group that read everything and has not
// finished the first entry.
func TestABoundedStreamSaysThatItCutsWhatIsInHand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b, log := limited(t, addr)
		topic := create(t, b, 1)
		began, goOn := make(chan struct{}, 1), make(chan struct{})
		defer close(goOn)
		var seen ids
		join(t, b, group(topic, func(d broker.Delivery) {
			if d.Record().ID == "slow" {
				began <- struct{}{}
				<-goOn
			}
			seen.handle(d)
		}))
		publish(t, b, &broker.Record{Topic: topic, ID: "slow", Key: []byte("slow")})
		receive(t, began)
		for _, prefix := range []string{"a", "b", "c", "d"} {
			publishAll(t, b.Sends(), topic, prefix, 200).Wait()
			until(t, "all is handled", func() bool { return seen.has(prefix, 200) })
		}
		until(t, "it is said", func() bool { return log.count(cutUnread) == 1 })
	})
}
