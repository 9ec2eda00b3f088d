package stock

import (
	"context"
	"errors"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router/broker"
)

// Source is a subscription and the stock subscriber that serves it.
type Source struct {
	broker.Subscription
	// Subscriber belongs to the member from now on.
	Subscriber message.Subscriber
	// Record returns the record of a message.
	Record func(*message.Message) *broker.Record
	// Ready tells whether the subscriber takes part in its group. Default: always.
	Ready func() bool
	// Closed is called when the subscriber has been closed. Optional.
	Closed func()
}

// Member is a [broker.Member] over stock subscribers.
type Member struct {
	readers []*reader
	failed  chan error
	closing sync.Once
	err     error
}

// Join subscribes to all sources and delivers what comes. Subscribers are closed when it
// returns an error.
func Join(ctx context.Context, sources ...Source) (*Member, error) {
	m := &Member{failed: make(chan error, len(sources))}
	var errs []error
	for i := range sources {
		r, err := newReader(ctx, &sources[i], m.failed)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m.readers = append(m.readers, r)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, m.Close(ctx))
	}
	return m, nil
}

// Ready tells whether all subscribers take part.
func (m *Member) Ready() bool {
	for _, r := range m.readers {
		if r.Ready != nil && !r.Ready() {
			return false
		}
	}
	return true
}

// Failed receives the error that ended a subscriber for good.
func (m *Member) Failed() <-chan error { return m.failed }

// Close stops reading, lets running handlers finish until ctx ends, and closes the
// subscribers after they took the acknowledgements. What is not done then comes again.
func (m *Member) Close(ctx context.Context) error {
	m.closing.Do(func() {
		errs := make([]error, len(m.readers))
		var wg sync.WaitGroup
		for i, r := range m.readers {
			wg.Go(func() { errs[i] = r.close(ctx) })
		}
		wg.Wait()
		m.err = errors.Join(errs...)
	})
	return m.err
}
