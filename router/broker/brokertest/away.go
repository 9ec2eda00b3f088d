package brokertest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
)

var awayCases = []testCase{
	{name: "what is published while the broker is away is written when it is back, in order", away: true, run: publishedAway},
	{name: "what may have been written when Close gave up is told as unknown", away: true, run: unknownAtClose},
}

const (
	// outage is how long a broker is away: its clients have tried again, in vain.
	outage = 500 * time.Millisecond
	// hurry is how long Close may try to write what cannot be written.
	hurry = 300 * time.Millisecond
)

// flight is what was handed over to one producer, in order, for a topic of its own.
type flight struct {
	b       *bench
	p       broker.Producer
	topic   string
	records []*broker.Record
	answers []*answer
	broken  int // how many were handed over before the way was broken
}

const (
	flightKeys = 10
	flightSize = 20 // of each key, handed over at once
)

// flights are one for each producer of an instance. All have written something: their connections stand.
func (in *instance) flights() (fs []*flight) {
	in.b.Helper()
	for _, p := range []broker.Producer{in.Sends(), in.Outputs()} {
		f := &flight{b: in.b, p: p, topic: in.b.topic(in, partitions)}
		f.hand(in.b.within(), flightSize)
		f.answered()
		fs = append(fs, f)
	}
	return fs
}

// hand hands n more records of each key over, without waiting.
func (f *flight) hand(ctx context.Context, n int) {
	f.b.Helper()
	for _, r := range numbered(f.topic, n*flightKeys, flightKeys, 1+len(f.records)/flightKeys) {
		f.records = append(f.records, r)
		f.answers = append(f.answers, f.b.produce(ctx, f.p, r))
	}
}

// loses breaks the way to the server while records are handed over, until back is called or the case ends.
func (in *instance) loses(fs []*flight) (back func()) {
	in.b.Helper()
	broken, ctx := make(chan func(), 1), in.b.within()
	go func() { broken <- in.goesAway() }()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		for _, f := range fs {
			f.hand(ctx, 3)
			f.broken = len(f.records)
		}
		select {
		case back = <-broken:
			return back
		case <-ticker.C:
		}
	}
}

func (in *instance) goesAway() (back func()) {
	back = sync.OnceFunc(in.b.s.away(in.Broker))
	in.b.Cleanup(back)
	return back
}

// publishedAway publishes while the way breaks, while it is broken, and afterwards.
func publishedAway(b *bench) {
	in, ctx := b.instance(), b.within()
	fs := in.flights()
	back := in.loses(fs)
	for _, f := range fs {
		f.hand(ctx, flightSize)
	}
	b.passes(outage)
	for _, f := range fs {
		f.unanswered()
	}
	back()
	for _, f := range fs {
		f.hand(ctx, flightSize)
		f.complete(in)
	}
}

// answered waits for all answers.
func (f *flight) answered() {
	f.b.Helper()
	for _, a := range f.answers {
		receive(f.b, "the outcome of a record", a.came)
	}
}

// unanswered looks for answers to what was handed over after the break: nobody can know of any outcome.
func (f *flight) unanswered() {
	f.b.Helper()
	for i, a := range f.answers[f.broken:] {
		select {
		case <-a.came:
			f.b.Errorf("%s of %s was answered while the broker was away: %v", f.records[f.broken+i].Value, f.records[f.broken+i].Key, a.err)
		default:
		}
	}
}

// complete waits for all answers and looks for every record.
func (f *flight) complete(in *instance) {
	f.b.Helper()
	f.answered()
	receipts := make([]broker.Receipt, len(f.answers))
	for i, a := range f.answers {
		if receipts[i] = a.receipt; a.err != nil {
			f.b.Fatalf("publish %s of %s: %v", f.records[i].Value, f.records[i].Key, a.err)
		}
	}
	f.b.written(in, f.topic, f.records, receipts)
	got := byKey(in.read(f.topic))
	for key, vs := range counted(flightKeys, len(f.records)/flightKeys) {
		if !inOrder(got[key], len(vs)) {
			f.b.Errorf("%s: not in order up to %d: %v", key, len(vs), got[key])
		}
	}
}

// inOrder tells whether values count up to n. A lost connection may repeat some, which then come in order again.
func inOrder(values []string, n int) bool {
	last := 0
	for _, v := range values {
		i, err := strconv.Atoi(v)
		if err != nil || i > last+1 {
			return false
		}
		last = i
	}
	return last == n
}

// unknownAtClose closes while the answers to some records are lost and others cannot leave. Some callers have
// given up by then.
func unknownAtClose(b *bench) {
	in, other := b.instance(), b.instance()
	fs := in.flights()
	back := in.loses(fs)
	ctx, giveUp := context.WithCancel(b.within())
	defer giveUp()
	for _, f := range fs {
		f.hand(ctx, flightSize)
		f.hand(b.within(), flightSize)
	}
	giveUp()
	in.closeInAHurry()
	back()
	for _, f := range fs {
		f.honest(other)
	}
}

// closeInAHurry closes the client with too little time for what it still has to write.
func (in *instance) closeInAHurry() {
	in.b.Helper()
	in.closed = true
	ended, ctx := make(chan error, 1), in.b.withinTime(hurry)
	go func() { ended <- in.Close(ctx) }()
	if err := receive(in.b, "the end of Close", ended); err == nil {
		in.b.Error("Close does not tell that something is left")
	}
}

// honest compares what was told of each record with what was written.
func (f *flight) honest(other *instance) {
	f.b.Helper()
	f.answered()
	log := other.read(f.topic)
	for i, r := range f.records {
		written := slices.ContainsFunc(log, func(o *broker.Record) bool { return o.ID == r.ID })
		switch err := f.answers[i].err; {
		case err == nil && i >= f.broken:
			f.b.Errorf("%s of %s was acknowledged while the broker was away", r.Value, r.Key)
		case err == nil && !written:
			f.b.Errorf("%s of %s was acknowledged and is not there", r.Value, r.Key)
		case written && err != nil && !errors.Is(err, broker.ErrOutcomeUnknown):
			f.b.Errorf("%s of %s was written, and its caller was told: %v", r.Value, r.Key, err)
		}
	}
}
