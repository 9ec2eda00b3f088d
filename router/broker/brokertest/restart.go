package brokertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/router/broker"
)

var restartCases = []testCase{
	{name: "nothing finished comes again after a restart", run: finishedStays},
	{name: "nothing finished comes again while an older message waits", run: finishedAboveGap},
	{name: "unfinished messages come again after a restart", run: unfinishedComes},
	{name: "of many messages what is returned comes again and nothing finished", run: returnedAmongFinished},
	{name: "attempts survive a restart", run: attemptsSurvive},
	{name: "a parked message is not due earlier for a restart", run: dueSurvives},
	{name: "an interrupted attempt is not counted", run: interrupted},
	{name: "an interrupted retry is not counted", run: interruptedRetry},
}

func finishedStays(b *bench) {
	const keys = 12
	in, topic := b.stage(partitions)
	var got seen
	s := broker.Subscription{Topic: topic, Concurrency: 4, Handle: got.done}
	for round := 1; round <= 3; round++ {
		in.publish(numbered(topic, keys, keys, round)...)
		in.join(s)
		got.wait(b, keys*round)
		in = in.restart()
	}
	in.publish(numbered(topic, keys, keys, 4)...) // comes behind whatever came again
	in.join(s)
	got.wait(b, keys*4)
	if diff := cmp.Diff(counted(keys, 4), byKey(got.all())); diff != "" {
		b.Error(diff)
	}
}

// finishedAboveGap parks every fifth message for long; those between are finished.
func finishedAboveGap(b *bench) {
	const n = 50
	in, topic := b.stage(1)
	var rs, later []*broker.Record
	for i := range n {
		key := "done" + strconv.Itoa(i)
		if i%5 == 0 {
			key = "waits" + strconv.Itoa(i)
		} else {
			later = append(later, record(topic, key, "later"))
		}
		rs = append(rs, record(topic, key, "first"))
	}
	var first, second seen
	handle := func(got *seen) broker.Subscription {
		return broker.Subscription{Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
			got.add(d)
			if strings.HasPrefix(string(d.Record().Key), "waits") {
				d.Park(2, time.Now().Add(time.Hour), time.Now())
				return
			}
			d.Done()
		}}
	}
	in.publish(rs...)
	in.join(handle(&first))
	first.wait(b, n)
	in = in.restart()
	in.publish(later...)
	in.join(handle(&second))
	second.wait(b, len(later))
	for _, r := range second.all() {
		if string(r.Value) == "first" {
			b.Errorf("%s: its first message was finished or parked for an hour, and comes again", r.Key)
		}
	}
}

func unfinishedComes(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2", "a3", "a4")...)
	var first, second seen
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: func(d broker.Delivery) {
		first.add(d)
		if string(d.Record().Value) == "a2" {
			d.Return()
			return
		}
		d.Done()
	}})
	first.waitFor(b, "a2")
	in = in.restart()
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: second.done})
	second.waitFor(b, "a4")
	if diff := cmp.Diff([]string{"a2", "a3", "a4"}, second.values()); diff != "" {
		b.Error(diff)
	}
}

// returnedAmongFinished returns every fifth message, also the first and the last but one; those around are finished.
func returnedAmongFinished(b *bench) {
	const n = 51
	in, topic := b.stage(1)
	var rs []*broker.Record
	want := []sight{{"later", 1}}
	for i := range n {
		rs = append(rs, record(topic, keyName(i), strconv.Itoa(i)))
		if i%5 == 0 && i < n-1 {
			want = append(want, sight{strconv.Itoa(i), 1})
		}
	}
	in.publish(rs...)
	var first, second seen
	in.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: func(d broker.Delivery) {
		first.add(d)
		if slices.Contains(want, sight{string(d.Record().Value), 1}) {
			d.Return()
			return
		}
		d.Done()
	}})
	first.wait(b, n)
	in = in.restart()
	in.publish(record(topic, "later", "later"))
	in.join(broker.Subscription{Topic: topic, Concurrency: 4, Handle: second.done})
	second.wait(b, len(want))
	bySight := cmpopts.SortSlices(func(x, y sight) bool { return x.Value < y.Value })
	if diff := cmp.Diff(want, second.list(), bySight); diff != "" {
		b.Error(diff)
	}
}

// parkAndRestart parks the one message of a topic and returns the instance that comes after.
func parkAndRestart(b *bench, attempt int, due, failed time.Time) (in *instance, topic string) {
	b.Helper()
	in, topic = b.stage(1)
	in.publish(texts(topic, "a1")...)
	parked := make(chan struct{}, 1)
	in.join(broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		d.Park(attempt, due, failed)
		select {
		case parked <- struct{}{}:
		default: // once it is due it comes again and again until the instance stops
		}
	}})
	receive(b, "the first attempt", parked)
	return in.restart(), topic
}

func attemptsSurvive(b *bench) {
	failed := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	in, topic := parkAndRestart(b, 3, time.Now().Add(time.Second), failed)
	for range 2 { // it also survives an owner that does not come to it
		in.join(broker.Subscription{Topic: topic, Handle: broker.Delivery.Return})
		in = in.restart()
	}
	got := make(chan string, 100)
	in.join(broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		got <- fmt.Sprint(d.Attempt(), " ", d.FirstFailed().UnixMilli())
		d.Done()
	}})
	if diff := cmp.Diff(fmt.Sprint(3, " ", failed.UnixMilli()), receive(b, "the parked message", got)); diff != "" {
		b.Errorf("attempt and first failure: %s", diff)
	}
}

func dueSurvives(b *bench) {
	due := time.Now().Add(2 * time.Second)
	in, topic := parkAndRestart(b, 2, due, time.Now())
	came := make(chan time.Time, 100)
	in.join(broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		came <- time.Now()
		d.Done()
	}})
	if early := due.Sub(receive(b, "the parked message", came)); early > time.Millisecond {
		b.Errorf("came %v before it was due", early)
	}
}

func interrupted(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2")...)
	interrupt(b, in, topic, 1)
	in = in.restart()
	var got seen
	in.join(broker.Subscription{Topic: topic, Handle: got.done})
	got.waitFor(b, "a2")
	if diff := cmp.Diff([]sight{{"a1", 1}, {"a2", 1}}, got.list()); diff != "" {
		b.Error(diff)
	}
}

func interruptedRetry(b *bench) {
	in, topic := b.stage(1)
	in.oneByOne(texts(topic, "a1", "a2")...)
	failed := interrupt(b, in, topic, 3)
	in = in.restart()
	var got seen
	first := make(chan time.Time, 100)
	in.join(broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		first <- d.FirstFailed()
		got.done(d)
	}})
	got.waitFor(b, "a2")
	if diff := cmp.Diff([]sight{{"a1", 3}, {"a2", 1}}, got.list()); diff != "" {
		b.Error(diff)
	}
	if at := <-first; at.UnixMilli() != failed.UnixMilli() {
		b.Errorf("first failed at %v, want %v", at, failed)
	}
}

// interrupt closes a member while a handler is in an attempt, and has that one give up.
func interrupt(b *bench, in *instance, topic string, attempt int) (failed time.Time) {
	b.Helper()
	failed = time.Now()
	running := make(chan struct{}, 100)
	m := in.join(broker.Subscription{Topic: topic, Handle: func(d broker.Delivery) {
		if d.Attempt() < attempt {
			d.Park(d.Attempt()+1, time.Time{}, failed)
			return
		}
		running <- struct{}{}
		<-d.Context().Done()
		d.Return()
	}})
	receive(b, "the attempt to interrupt", running)
	_ = m.Close(b.withinTime(50 * time.Millisecond)) // it may say that it ran out of time
	in.members = slices.DeleteFunc(in.members, func(o broker.Member) bool { return o == m })
	return failed
}
