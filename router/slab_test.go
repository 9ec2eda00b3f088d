package router_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
)

// copied is what r is at this moment, with memory of its own.
func copied(r *broker.Record) broker.Record {
	c := *r
	c.Headers = r.Headers.Clone()
	return c
}

// onWay is a record that a broker has not answered.
type onWay struct {
	rec    *broker.Record
	before broker.Record
	done   func(broker.Receipt, error)
}

// hold keeps records with text in their value on their way, ten at the most.
func hold(b *faulty, text string) <-chan onWay {
	held := make(chan onWay, 10)
	b.behave(func(r *broker.Record, done func(broker.Receipt, error)) bool {
		if !strings.Contains(string(r.Value), text) {
			return false
		}
		held <- onWay{r, copied(r), done}
		return true
	})
	return held
}

func TestARecordThatIsOnItsWayStaysAsItIsWhileOthersComeAndGo(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		held := hold(b, "held1")
		r := newRouter(b)
		p := router.NewPublisher(r, orders)
		ended := make(chan error)
		go func() { ended <- p.Publish(t.Context(), numbered("held")...) }()
		k := <-held
		for i := range 20 {
			if err := p.Publish(t.Context(), numbered(fmt.Sprint("other", i))...); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff(k.before, *k.rec); diff != "" {
			t.Error(diff)
		}
		k.done(broker.Receipt{}, nil)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAResultThatIsSentAgainStaysAsItIsWhileOthersComeAndGo(t *testing.T) {
	t.Parallel()
	for name, declare := range map[string]func(*router.Router){
		"batch": func(r *router.Router) {
			router.WorkBatch(r, orders, byID, receiptsOf, router.Name("w"), router.BatchSize(3))
		},
		"one": func(r *router.Router) { router.Work(r, orders, byID, receiptOf, router.Name("w")) },
		"middleware": func(r *router.Router) {
			r.Use(func(h message.HandlerFunc) message.HandlerFunc { return h })
			router.Work(r, orders, byID, receiptOf, router.Name("w"))
		},
	} {
		t.Run(name, func(t *testing.T) { resultStays(t, declare) })
	}
}

func resultStays(t *testing.T, declare func(*router.Router)) {
	t.Helper()
	onFaulty(t, func(t *testing.T, f *faulty) {
		t.Helper()
		b := &together{faulty: f}
		refused := make(chan broker.Record, 1)
		b.behave(func(r *broker.Record, done func(broker.Receipt, error)) bool {
			if r.Topic != "receipts" || string(r.Key) != "a1" || len(refused) > 0 {
				return false
			}
			refused <- copied(r)
			done(broker.Receipt{}, errBusy)
			return true
		})
		r := newRouter(b)
		declare(r)
		running(t, r)
		publish(t, r, orders, numbered("a")...)
		for i := range 20 {
			publish(t, r, orders, numbered(fmt.Sprint("b", i))...)
		}
		elapse(time.Minute)
		n, before := 0, <-refused
		for _, rec := range b.Records("receipts") {
			if string(rec.Key) != "a1" {
				continue
			}
			n++
			if rec.ID != before.ID || string(rec.Value) != string(before.Value) || !cmp.Equal(rec.Headers, before.Headers) {
				t.Errorf("got %v, want %v", rec, before)
			}
		}
		if n != 1 || b.Unfinished() != 0 {
			t.Errorf("%d results of a1, %d messages unfinished", n, b.Unfinished())
		}
	})
}

// Neither the answer that comes too late nor the timer of a publish that was given up reaches another one.
func TestAPublishThatWasGivenUpIsNothingToThoseThatFollow(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		held := hold(b, "held")
		p := router.NewPublisher(newRouter(b), orders)
		canceled, cancel := context.WithCancel(t.Context())
		for name, ctx := range map[string]context.Context{"held by ctx": canceled, "held by the timeout": t.Context()} {
			go func() {
				if err := p.Publish(ctx, order{ID: name}); !errors.Is(err, broker.ErrOutcomeUnknown) {
					t.Errorf("%s: %v", name, err)
				}
			}()
		}
		elapse(30 * time.Second)
		cancel()
		elapse(31 * time.Second) // the timeout is a minute
		one, two := <-held, <-held
		for i := range 20 {
			if err := p.Publish(t.Context(), order{ID: fmt.Sprint("other", i)}); err != nil {
				t.Error(err)
			}
		}
		for _, k := range []onWay{one, two} {
			if diff := cmp.Diff(k.before, *k.rec); diff != "" {
				t.Error(diff)
			}
		}
		ended := make(chan error)
		go func() { ended <- p.Publish(t.Context(), order{ID: "held third"}) }()
		third := <-held
		one.done(broker.Receipt{}, errBusy)
		two.done(broker.Receipt{}, errBusy)
		elapse(time.Second)
		third.done(broker.Receipt{}, nil)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAnAnswerInTheMomentOfTheTimeoutLeavesNothingBehind(t *testing.T) {
	onFaulty(t, func(t *testing.T, b *faulty) {
		t.Helper()
		b.behave(func(r *broker.Record, done func(broker.Receipt, error)) bool {
			wait := time.Second
			if strings.Contains(string(r.Value), "close") {
				wait = time.Minute // the timeout
			}
			time.AfterFunc(wait, func() { done(broker.Receipt{}, nil) })
			return true
		})
		p := router.NewPublisher(newRouter(b), orders)
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				for range 20 {
					if err := p.Publish(t.Context(), order{ID: "close"}); err != nil && !errors.Is(err, broker.ErrOutcomeUnknown) {
						t.Error(err)
					}
					if err := p.Publish(t.Context(), order{ID: "in time"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	})
}
