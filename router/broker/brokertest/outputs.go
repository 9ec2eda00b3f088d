package brokertest

import (
	"context"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

var outputCases = []testCase{
	{name: "a message whose output fails comes again before what follows in its key", run: outputFails},
}

// outputFails sends the first output of every third message of a key by a client that is closed. The worker goes on
// while an output is on its way; its key waits, and the message is parked when the output fails.
func outputFails(b *bench) {
	const n, keys = 36, 4
	in, topic := b.stage(partitions)
	out := b.topic(in, partitions)
	away := b.instance()
	away.stop()
	var got seen
	in.join(broker.Subscription{Topic: topic, Concurrency: 1, Handle: func(d broker.Delivery) {
		got.add(d)
		d.Release()
		d.Hold() // the only worker is still here
		p := in.Outputs()
		if v, _ := strconv.Atoi(string(d.Record().Value)); v%3 == 0 && d.Attempt() == 1 {
			p = away.Outputs()
		}
		outputOf(d, p, out)
	}})
	in.publish(numbered(topic, n, keys, 1)...)
	b.until("all outputs are written", func() bool { return len(in.read(out)) >= n })
	written := byKey(in.read(out))
	for key, vs := range counted(keys, n/keys) {
		if diff := cmp.Diff(vs, compact(written[key])); diff != "" { // a lost connection may repeat some
			b.Errorf("outputs of %s: %s", key, diff)
		}
	}
	b.attemptsOfOutputs(&got, n/keys)
}

// outputOf writes what it was given, and finishes it or has it come again. That the output failed it learns late,
// as where a server does not answer.
func outputOf(d broker.Delivery, p broker.Producer, topic string) {
	r := *d.Record()
	r.Topic = topic
	p.Produce(context.Background(), &r, func(_ broker.Receipt, err error) {
		if err != nil {
			time.AfterFunc(parkTime/6, func() { d.Park(d.Attempt()+1, time.Now().Add(parkTime/6), time.Now()) })
			return
		}
		d.Done()
	})
}

// attemptsOfOutputs wants two attempts in a row of every third message of a key, and one of the others.
func (b *bench) attemptsOfOutputs(got *seen, n int) {
	b.Helper()
	var want []string
	for v := range n {
		want = append(want, strconv.Itoa(v+1))
		if (v+1)%3 == 0 {
			want = append(want, strconv.Itoa(v+1))
		}
	}
	for key, vs := range byKey(got.all()) {
		if diff := cmp.Diff(want, vs); diff != "" {
			b.Errorf("attempts of %s: %s", key, diff)
		}
	}
}
