package redis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

// alone publishes one by one until the next caller counts as alone.
func alone(t *testing.T, b *redis.Broker, topic string) {
	t.Helper()
	for range 10 {
		publish(t, b, &broker.Record{Topic: topic, ID: "before", Key: []byte("other")})
	}
	fail(t, b.Sends().Flush(t.Context())) // the writer learns a moment later that it is idle
}

func direct(ctx context.Context, b *redis.Broker, r *broker.Record, done func(broker.Receipt, error)) bool {
	return b.Sends().(broker.DirectProducer).ProduceDirect(ctx, r, done)
}

func TestACallerThatIsAloneWritesItself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		refuse := func(broker.Receipt, error) { t.Error("done was called for what was not taken") }
		if direct(t.Context(), b, &broker.Record{Topic: topic}, refuse) {
			t.Error("the first record was written by its caller: whether others come is not known yet")
		}
		alone(t, b, topic)
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if direct(soon, b, &broker.Record{Topic: topic}, refuse) {
			t.Error("a caller with a second left waits for the server")
		}
		var rc broker.Receipt
		done := func(got broker.Receipt, err error) { rc = got; fail(t, err) }
		if !direct(t.Context(), b, &broker.Record{Topic: topic, ID: "x"}, done) || rc.Offset == "" {
			t.Errorf("not written by its caller: %+v", rc)
		}
		if !direct(t.Context(), b, &broker.Record{Topic: "no {topic}"}, func(_ broker.Receipt, err error) { rc.Topic = err.Error() }) {
			t.Error("not refused by its caller")
		}
		publish(t, b, &broker.Record{Topic: topic, ID: "after"})
		if got := idsOf(t, b, topic); got[len(got)-1] != "after" || got[len(got)-2] != "x" {
			t.Errorf("written: %v", got)
		}
	})
}

func fail(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func idsOf(t *testing.T, b *redis.Broker, topic string) (ids []string) {
	t.Helper()
	for r, err := range b.Read(t.Context(), broker.ReadOptions{Topics: []string{topic}, UntilEnd: true}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// What was not answered is written again before what came later.
func TestNobodyOvertakesACallerThatWritesItself(t *testing.T) {
	t.Parallel()
	s := ownServer(t, testservers.RedisOptions{})
	p := newProxy(t, s.Addr())
	b := open(t, p.addr())
	topic := create(t, b, 1)
	alone(t, b, topic)
	lost := p.stopAt(t, "unanswered")
	wrote := make(chan error, 1)
	go direct(t.Context(), b, &broker.Record{Topic: topic, ID: "unanswered", Key: []byte("k")}, func(_ broker.Receipt, err error) { wrote <- err })
	receive(t, lost.caught)
	later := produce(t, b, &broker.Record{Topic: topic, ID: "later", Key: []byte("k")})
	p.set(true)
	lost.pass()
	lost.answer()
	p.set(false)
	fail(t, receive(t, wrote))
	later.Wait()
	got := idsOf(t, b, topic)
	if got = got[slices.Index(got, "unanswered"):]; !slices.Equal(slices.Compact(got), []string{"unanswered", "later"}) {
		t.Errorf("written: %v", got)
	}
}

// A refusal tells nothing of the try before it, whose answer was lost.
func TestWhatIsRefusedAfterALostAnswerMayHaveBeenWritten(t *testing.T) {
	t.Parallel()
	s := ownServer(t, testservers.RedisOptions{})
	p, admin := newProxy(t, s.Addr()), client(t, s.Addr())
	permit := func(rules ...any) {
		fail(t, admin.Do(t.Context(), append([]any{"ACL", "SETUSER", "writer"}, rules...)...).Err())
	}
	permit("on", ">secret", "~*", "&*", "+@all")
	b := open(t, p.addr(), func(c *settings.Redis) { c.Username, c.Password = "writer", "secret" })
	topic := create(t, b, 1)
	publish(t, b, &broker.Record{Topic: topic, ID: "before"})
	lost := p.stopAt(t, "unanswered")
	wrote := make(chan error, 1)
	b.Sends().Produce(t.Context(), &broker.Record{Topic: topic, ID: "unanswered"}, func(_ broker.Receipt, err error) { wrote <- err })
	receive(t, lost.caught)
	lost.pass()
	until(t, "it is written", func() bool { return admin.XLen(t.Context(), topic).Val() == 2 })
	permit("-xadd")
	p.set(true)
	lost.answer()
	p.set(false)
	if err := receive(t, wrote); !errors.Is(err, broker.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "xadd") {
		t.Errorf("what was written: %v", err)
	}
	if _, err := send(t, b, &broker.Record{Topic: topic, ID: "after"}); err == nil || errors.Is(err, broker.ErrOutcomeUnknown) {
		t.Errorf("what was refused at once: %v", err)
	}
}

func TestClosingWhileACallerWritesItself(t *testing.T) {
	t.Parallel()
	s := ownServer(t, testservers.RedisOptions{})
	p := newProxy(t, s.Addr())
	b := open(t, p.addr())
	topic := create(t, b, 1)
	alone(t, b, topic)
	lost := p.stopAt(t, "unanswered")
	wrote := make(chan error, 1)
	go direct(t.Context(), b, &broker.Record{Topic: topic, ID: "unanswered"}, func(_ broker.Receipt, err error) { wrote <- err })
	receive(t, lost.caught)
	later := make(chan error, 1)
	b.Sends().Produce(t.Context(), &broker.Record{Topic: topic}, func(_ broker.Receipt, err error) { later <- err })
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_ = b.Close(over)
	if err := receive(t, wrote); !errors.Is(err, broker.ErrClosed) || !errors.Is(err, broker.ErrOutcomeUnknown) {
		t.Errorf("what was on its way: %v", err)
	}
	if err := receive(t, later); !errors.Is(err, broker.ErrClosed) || errors.Is(err, broker.ErrOutcomeUnknown) {
		t.Errorf("what was not: %v", err)
	}
}

// Callers that write themselves and those that hand over take turns; the records of each stay in order.
func TestWritingDirectlyKeepsTheOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, addr string) {
		t.Helper()
		b := open(t, addr)
		topic := create(t, b, 1)
		const callers, records = 3, 200
		want := map[string][]string{}
		var wg sync.WaitGroup
		for c := range callers {
			key := strconv.Itoa(c)
			var ids []string
			for i := range records {
				ids = append(ids, fmt.Sprint(key, "/", i))
			}
			want[key] = ids
			wg.Go(func() { publishEither(t, b, topic, key, ids) })
		}
		wg.Wait()
		got := map[string][]string{}
		for _, id := range idsOf(t, b, topic) {
			got[id[:1]] = append(got[id[:1]], id)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// publishEither waits for every tenth record alone, so that some find nobody else.
func publishEither(t *testing.T, b *redis.Broker, topic, key string, ids []string) {
	t.Helper()
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Add(1)
		r := &broker.Record{Topic: topic, ID: id, Key: []byte(key)}
		done := func(_ broker.Receipt, err error) { fail(t, err); wg.Done() }
		if !direct(t.Context(), b, r, done) {
			b.Sends().Produce(t.Context(), r, done)
		}
		if i%10 == 0 || key == "0" {
			wg.Wait()
		}
	}
	wg.Wait()
}
