package brokertest

import (
	"context"
	"errors"

	"github.com/leat-go/leat/router/broker"
)

var closeCases = []testCase{
	{name: "Connect may be called again, and Ping answers", run: connectAgain},
	{name: "closing twice and at once is no error", run: closeTwice},
	{name: "calls after Close answer ErrClosed", run: afterClose},
	{name: "Close flushes what was published", run: closeFlushes},
	{name: "no goroutine is left after Close", run: leaks},
}

func connectAgain(b *bench) {
	in := b.instance()
	for range 2 {
		if err := errors.Join(in.Connect(b.within()), in.Ping(b.within())); err != nil {
			b.Error(err)
		}
	}
	if in.Name() == "" {
		b.Error("the broker has no name")
	}
}

func closeTwice(b *bench) {
	in, topic := b.stage(partitions)
	in.publish(texts(topic, "a1", "b1")...)
	var got seen
	m := in.join(broker.Subscription{Topic: topic, Concurrency: 2, Handle: got.done})
	got.wait(b, 2)
	together(b, m.Close)
	together(b, in.Close)
}

// together calls a Close several times at once, and once again.
func together(b *bench, closing func(context.Context) error) {
	b.Helper()
	const n = 4
	errs := make(chan error, n+1)
	for range n {
		go func() { errs <- closing(b.within()) }()
	}
	for range n {
		b.ended(errs)
	}
	go func() { errs <- closing(b.within()) }()
	b.ended(errs)
}

// ended waits for a Close, which may not wait for more than its context.
func (b *bench) ended(errs <-chan error) {
	b.Helper()
	if err := receive(b, "the end of Close", errs); err != nil {
		b.Error(err)
	}
}

func afterClose(b *bench) {
	in, topic := b.stage(1)
	in.stop()
	var got seen
	_, err := in.Join(b.within(), b.groupOf(broker.Subscription{Topic: topic, Handle: got.done}))
	if !errors.Is(err, broker.ErrClosed) {
		b.Errorf("join: %v, want ErrClosed", err)
	}
	for _, p := range []broker.Producer{in.Sends(), in.Outputs()} {
		_, errs := in.try(b.within(), p, record(topic, "k", "v"))
		if !errors.Is(errs[0], broker.ErrClosed) {
			b.Errorf("publish: %v, want ErrClosed", errs[0])
		}
	}
}

func closeFlushes(b *bench) {
	const n, keys = 200, 10
	in, topic := b.stage(partitions)
	as := make([]*answer, n)
	for i, r := range numbered(topic, n, keys, 1) {
		p := in.Sends()
		if i%2 == 0 {
			p = in.Outputs()
		}
		as[i] = b.produce(b.within(), p, r)
	}
	in.stop()
	for _, a := range as {
		receive(b, "the receipt", a.came)
		if a.err != nil {
			b.Error(a.err)
		}
	}
	if rs := b.instance().read(topic); len(rs) != n {
		b.Errorf("%d of %d messages were written", len(rs), n)
	}
}
