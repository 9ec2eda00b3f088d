package apptest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/fx"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/app/apptest"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
	"github.com/leat-go/leat/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type order struct {
	ID    string `avro:"id" json:"id"`
	Total int    `avro:"total" json:"total"`
}

func (o order) Key() string { return o.ID }

type receipt struct {
	Order string `avro:"order" json:"order"`
}

var (
	orders   = topics.Event[order]{Name: "orders", Key: order.Key, Format: topics.Avro}
	receipts = topics.Event[receipt]{Name: "receipts", Format: topics.Avro}
	accounts = topics.State[*order]{Name: "accounts", Key: func(o *order) string { return o.ID }}
)

func charge(_ context.Context, o order) (receipt, error) {
	if o.Total < 0 {
		return receipt{}, errors.New("nothing to charge")
	}
	return receipt{o.ID}, nil
}

var billing = fx.Options(
	app.WorkFunc(orders, receipts, charge),
	app.Serve(func(struct{}) *http.Server { panic("no servers in tests") }),
	app.GoFunc(func(context.Context) error { panic("no tasks in tests") }),
)

func TestWaitGivesTheFirstValuesAgainAndAgain(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, billing)
	apptest.Publish(t, a, orders, order{"1", 10}, order{"2", 20})
	apptest.Publish(t, a, orders, order{"3", 30})
	apptest.Idle(t, a)
	for range 2 {
		if diff := cmp.Diff([]order{{"1", 10}, {"2", 20}}, apptest.Wait(t, a, orders, 2)); diff != "" {
			t.Error(diff)
		}
	}
	if got := apptest.Wait(t, a, receipts, 3); len(got) != 3 {
		t.Errorf("got %v", got)
	}
}

func TestEnvironmentAndFilesHaveNoSay(t *testing.T) {
	t.Setenv("KAFKA_ENABLED", "true")
	t.Setenv("KAFKA_BOOTSTRAP_SERVERS", "not a server")
	t.Setenv("APP_ENV", "production")
	a := apptest.New(t, billing, app.Defaults(func(s *settings.Settings) {
		s.Redis.Enabled = true
		s.Messaging.TopicPrefix = "dev."
	}))
	apptest.Publish(t, a, orders, order{"1", 1})
	if got := apptest.Wait(t, a, receipts, 1); got[0].Order != "1" {
		t.Errorf("got %v", got)
	}
	if s := a.Broker().Name(); s != "memory" {
		t.Errorf("it ran on %s", s)
	}
}

func TestHoursOfRetriesTakeNoTimeInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := apptest.New(t, app.WorkFunc(orders, receipts, charge, router.Retry(2, router.Fixed(5*time.Hour).Max(5*time.Hour))))
		begin := time.Now()
		apptest.Publish(t, a, orders, order{"1", -1})
		d := apptest.DeadLetters(t, a, orders, 1)[0]
		if time.Since(begin) != 10*time.Hour || d.Attempts != 3 || d.Key != "1" || d.Error != "nothing to charge" || d.Kind != "handler" || d.Handler != "charge" {
			t.Errorf("after %v: %+v", time.Since(begin), d)
		}
		apptest.Idle(t, a)
	})
}

func TestDeadLettersAreThoseOfTheTopic(t *testing.T) {
	t.Parallel()
	other := topics.Event[receipt]{Name: "other"}
	a := apptest.New(t,
		app.ConsumeFunc(orders, func(context.Context, order) error { return router.Permanent(errors.New("a")) }, router.Name("a"), router.Group("a"), router.DeadLetter("dead")),
		app.ConsumeFunc(orders, func(context.Context, order) error { return router.Permanent(errors.New("b")) }, router.Name("b"), router.Group("b")),
		app.ConsumeFunc(other, func(context.Context, receipt) error { return router.Permanent(errors.New("c")) }, router.Name("c"), router.DeadLetter("dead")),
	)
	apptest.Publish(t, a, other, receipt{"1"})
	apptest.DeadLetters(t, a, other, 1)
	apptest.Publish(t, a, orders, order{"1", 1})
	handlers := map[string]bool{}
	for _, d := range apptest.DeadLetters(t, a, orders, 2) {
		handlers[d.Handler] = true
	}
	if !handlers["a"] || !handlers["b"] {
		t.Errorf("got the dead letters of %v", handlers)
	}
}

func TestRawBytesThatCannotBeDecodedAreBuriedAsTheyCame(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, billing)
	apptest.Raw(t, a, "orders", []byte("k"), []byte("no avro"), broker.Header{Key: "from", Value: []byte("far")})
	d := apptest.DeadLetters(t, a, orders, 1)[0]
	if d.Kind != "decode" || string(d.Value) != "no avro" || d.Key != "k" || d.Headers["from"] != "far" {
		t.Errorf("got %+v", d)
	}
}

func TestDeleteIsATombstone(t *testing.T) {
	t.Parallel()
	got := make(chan string, 2)
	a := apptest.New(t, app.ConsumeFunc(accounts, func(ctx context.Context, o *order) error {
		got <- fmt.Sprintf("%s: %v", router.Meta(ctx).Key, o == nil)
		return nil
	}, router.Name("h")))
	apptest.Publish(t, a, accounts, &order{"7", 1})
	apptest.Idle(t, a) // else compaction takes the first away
	apptest.Delete(t, a, accounts, "7")
	apptest.Idle(t, a)
	close(got)
	if one, two := <-got, <-got; one != "7: false" || two != "7: true" {
		t.Errorf("got %q and %q", one, two)
	}
	if vs := apptest.Wait(t, a, accounts, 2); vs[0].Total != 1 || vs[1] != nil {
		t.Errorf("got %v", vs)
	}
}

// failing notes what a test would have failed with.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f)
}

func failure(t *testing.T, f func(testing.TB)) (said string) {
	t.Helper()
	fake := &failing{TB: t}
	defer func() {
		if r := recover(); r != nil && r != any(fake) {
			panic(r)
		}
		said = fake.said
	}()
	f(fake)
	return ""
}

func TestFailuresSayWhatCameInstead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := topics.Event[receipt]{Name: "stuck"}
		a := apptest.New(t, billing, app.ConsumeFunc(stuck, func(context.Context, receipt) error { return errors.New("never") },
			router.Name("h"), router.Retry(1000, router.Fixed(time.Hour).Max(time.Hour))))
		if said := failure(t, func(tb testing.TB) { tb.Helper(); apptest.Wait(tb, a, receipts, 1) }); !strings.HasSuffix(said, "on the topics are no messages") {
			t.Errorf("said %s", said)
		}
		apptest.Publish(t, a, orders, order{"1", 1}, order{"2", -1})
		apptest.Publish(t, a, stuck, receipt{"1"})
		said := failure(t, func(tb testing.TB) { tb.Helper(); apptest.Wait(tb, a, receipts, 2) })
		want := "1 of 2 messages came to receipts within 240h0m0s; on the topics are \n\torders: 2\n\torders.dlq: 1 (the last by charge: nothing to charge)\n\treceipts: 1\n\tstuck: 1"
		if said != want {
			t.Errorf("said %s\nwant %s", said, want)
		}
		if said := failure(t, func(tb testing.TB) { tb.Helper(); apptest.Idle(tb, a) }); !strings.HasPrefix(said, "1 messages are not handled after 240h0m0s") {
			t.Errorf("said %s", said)
		}
		if said := failure(t, func(tb testing.TB) { tb.Helper(); apptest.DeadLetters(tb, a, stuck, 1) }); !strings.HasPrefix(said, "0 of 1 messages came to the dead letters of stuck") {
			t.Errorf("said %s", said)
		}
		if said := failure(t, func(tb testing.TB) { tb.Helper(); apptest.New(tb, app.ConsumeFunc(orders, nil)) }); !strings.Contains(said, "needs router.Name") {
			t.Errorf("said %s", said)
		}
	})
}

func TestManyServicesAtOnce(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			a := apptest.New(t, billing)
			apptest.Publish(t, a, orders, order{strconv.Itoa(i), 1})
			if got := apptest.Wait(t, a, receipts, 1); got[0].Order != strconv.Itoa(i) {
				t.Errorf("service %d got %v", i, got)
			}
		})
	}
}

func TestKeysWithAFormatAreTextInTests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keyed := topics.State[*order]{Name: "keyed", Key: func(o *order) string { return o.ID }, KeyFormat: topics.Avro}
		said := make(chan string, 2)
		a := apptest.New(t, app.ConsumeFunc(keyed, func(ctx context.Context, o *order) error {
			said <- fmt.Sprint(router.Meta(ctx).Key, o == nil)
			if o == nil {
				return router.Permanent(errors.New("deleted"))
			}
			return nil
		}, router.Name("h")))
		apptest.Publish(t, a, keyed, &order{ID: "a"})
		apptest.Idle(t, a)
		apptest.Delete(t, a, keyed, "a")
		if dead := apptest.DeadLetters(t, a, keyed, 1)[0]; dead.Key != "a" {
			t.Errorf("dead letter %q", dead.Key)
		}
		if one, two := <-said, <-said; one != "afalse" || two != "atrue" {
			t.Errorf("%q, then %q", one, two)
		}
	})
}
