package main

import (
	"context"
	"sync/atomic"
	"time"
)

// partitions is how many partitions topics have, unless a workload needs another number.
const partitions = 6

// batchSize is how many messages batch workers take at once.
const batchSize = 100

// mode is how messages are handled.
type mode int

const (
	typed mode = iota // decoded, handled
	raw               // handled as bytes
	plain             // a Watermill handler that decodes
	work              // decoded, handled, the result published
	batch             // the same in batches
)

// job is one consumer at work.
type job struct {
	mode        mode
	topic       string
	out         string // topic of results
	partitions  int
	group       string // new for every job
	concurrency int    // 0: the subject's default
	handle      func(id, at int64)
}

// publisher publishes events on one topic.
type publisher interface {
	// one returns when the broker has the event; it may be called concurrently.
	one(ctx context.Context, e event) error
	// batch returns when the broker has all events.
	batch(ctx context.Context, es []event) error
	// async hands the event over without waiting for the broker.
	async(ctx context.Context, e event, done func(error))
	close() error
}

// driver is one way to talk to a broker.
type driver interface {
	publisher(ctx context.Context, topic string) (publisher, error)
	// read consumes until ctx ends.
	read(ctx context.Context, j job) error
	// can tells whether the driver has such a mode.
	can(m mode) bool
}

// server is a broker as seen from outside of the subjects.
type server interface {
	name() string
	version() string
	// create makes a topic with partitions.
	create(ctx context.Context, topic string, partitions int) error
	// size returns how many messages a topic has.
	size(ctx context.Context, topic string, partitions int) (int, error)
	// clean removes topics and a group, as far as anything of them is left.
	clean(ctx context.Context, group string, topics ...string)
	drivers() map[string]driver
	close() error
}

// awaitSize returns when the topic has n messages.
func awaitSize(ctx context.Context, s server, topic string, parts, n int) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		got, err := s.size(ctx, topic, parts)
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
