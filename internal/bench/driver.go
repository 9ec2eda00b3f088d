package bench

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/topics"
)

// batchSize is how many messages batch workers take at once.
const batchSize = 100

// Mode is how messages are handled.
type Mode int

// The modes.
const (
	Typed     Mode = iota // decoded, handled
	Raw                   // handled as bytes
	Plain                 // a Watermill handler that decodes
	Work                  // decoded, handled, the result published
	Batch                 // the same in batches
	PlainWork             // a Watermill handler that decodes and publishes
)

// publishes tells whether handlers in this mode have results.
func (m Mode) publishes() bool { return m == Work || m == Batch || m == PlainWork }

// Job is one consumer at work.
type Job struct {
	Mode        Mode
	Topics      []string
	Out         string // topic of results
	Partitions  int    // of each topic
	Group       string // new for every job
	Format      topics.Format
	Concurrency int // of keys; 0: the subject's default
	Handle      func(id, at int64)

	labelled bool // see BareKafka
}

// Publisher publishes events on one topic.
type Publisher interface {
	// One returns when the broker has the event; it may be called concurrently.
	One(ctx context.Context, e Event) error
	// Batch returns when the broker has all events.
	Batch(ctx context.Context, es []Event) error
	// Async hands the event over without waiting for the broker.
	Async(ctx context.Context, e Event, done func(error))
	Close() error
}

// Topic is where a publisher publishes.
type Topic struct {
	Name       string
	Partitions int
	Format     topics.Format
}

// Driver is one way to talk to a broker.
type Driver interface {
	Publisher(ctx context.Context, t Topic) (Publisher, error)
	// Read consumes until ctx ends.
	Read(ctx context.Context, j Job) error
}

// Server is a broker as seen from outside of the subjects.
type Server interface {
	Name() string
	// Create makes a topic.
	Create(ctx context.Context, topic string, partitions int) error
	// Size returns how many messages a topic has.
	Size(ctx context.Context, topic string, partitions int) (int, error)
	// Forget removes a group of the topics, as far as anything of it is left.
	Forget(ctx context.Context, group string, partitions int, topics ...string)
	// Drop removes topics.
	Drop(ctx context.Context, partitions int, topics ...string)
	// Sweep removes all topics and groups whose names begin with the prefix.
	Sweep(ctx context.Context, prefix string) error
	// Drivers are the subjects by name; "leat" is one.
	Drivers() map[string]Driver
	Close() error
}

// awaitSize returns when the topic has n messages.
func awaitSize(ctx context.Context, s Server, topic string, parts, n int) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		got, err := s.Size(ctx, topic, parts)
		if err != nil || got >= n {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errorOnce keeps the first error of many goroutines.
type errorOnce struct{ err atomic.Pointer[error] }

func (o *errorOnce) set(err error) {
	if err != nil {
		o.err.CompareAndSwap(nil, &err)
	}
}

func (o *errorOnce) get() error {
	if p := o.err.Load(); p != nil {
		return *p
	}
	return nil
}
