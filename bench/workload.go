package main

import (
	"context"
	"fmt"
	"time"
)

// metric is what a workload yields.
type metric struct {
	name  string // added to the workload's, "" when there is only one
	unit  string
	lower bool // less is better
}

// workload is one thing that every subject does.
type workload struct {
	name     string
	metrics  []metric
	scale    float64 // messages, as a part of -messages
	slow     float64 // what stock adapters get of those, since they take many times as long
	payloads []int
	subjects []string
	ideal    float64                                            // what no implementation can beat, 0 where that is unknown
	source   func(ctx context.Context, t *task) (string, error) // fills the topic that is read, nil without one
	run      func(ctx context.Context, t *task) ([]float64, error)
}

// task is one run of one subject.
type task struct {
	bed  *bed
	d    driver
	id   string // the subject's name
	n    int    // messages
	full int    // messages of the topics to read, of which stock adapters take a part

	topic string // to read
}

var (
	rate     = []metric{{unit: "msg/s"}}
	everyone = []string{"bare", "leat", "stock"}
	both     = []int{100, 1024}
	small    = []int{100}
)

var workloads = []workload{
	{name: "publish-one", metrics: rate, scale: 0.03, slow: 1, payloads: both, subjects: everyone, run: publishOne},
	{name: "publish-64", metrics: rate, scale: 0.4, slow: 0.3, payloads: both, subjects: everyone, run: publishMany},
	{name: "publish-batch", metrics: rate, scale: 1, slow: 0.05, payloads: both, subjects: everyone, run: publishBatches},
	{name: "consume-typed", metrics: rate, scale: 2, slow: 0.1, payloads: both, subjects: everyone, source: ordinary, run: reading(typed)},
	{name: "consume-raw", metrics: rate, scale: 2, slow: 0.1, payloads: both, subjects: everyone, source: ordinary, run: reading(raw)},
	{name: "pipeline", metrics: rate, scale: 1, slow: 0.02, payloads: both, subjects: everyone, source: ordinary, run: reading(work)},
	{name: "pipeline-batch", metrics: rate, scale: 1, payloads: both, subjects: []string{"bare", "leat"}, source: ordinary, run: reading(batch)},
	{name: "plain-handler", metrics: rate, scale: 1, slow: 0.4, payloads: both, subjects: []string{"leat", "stock"}, source: ordinary, run: reading(plain)},
	{name: "key-concurrency", metrics: []metric{{unit: "s", lower: true}}, scale: 0.1, payloads: small, subjects: []string{"leat"}, ideal: 0.2, source: waiting, run: keyConcurrency},
	{
		name: "latency", metrics: []metric{{"p50", "ms", true}, {"p99", "ms", true}},
		scale: 0.03, slow: 1, payloads: small, subjects: everyone, run: latency,
	},
}

// messages returns how many messages a subject gets.
func (w workload) messages(base int, payload int, subject string) int {
	n := float64(base) * w.scale
	if payload > 500 {
		n /= 2
	}
	if subject == "stock" {
		n *= w.slow
	}
	return max(int(n), 500)
}

// prepared does what must not be measured.
func (w workload) prepared(ctx context.Context, t *task) error {
	if w.source == nil {
		return nil
	}
	if w.ideal > 0 {
		t.n, t.full = waitingMessages, waitingMessages
	}
	var err error
	t.topic, err = w.source(ctx, t)
	return err
}

// bed is a server with topics that were filled for reading.
type bed struct {
	s       server
	payload int
	filled  map[string]int
	serial  int
}

func newBed(s server, payload int) *bed {
	return &bed{s: s, payload: payload, filled: map[string]int{}}
}

// unique returns a name that was not used before.
func (b *bed) unique(prefix string) string {
	b.serial++
	return fmt.Sprintf("%s-%d-%d", prefix, b.payload, b.serial)
}

// ordinary is a topic with events on many keys.
func ordinary(ctx context.Context, t *task) (string, error) {
	return t.bed.source(ctx, partitions, t.full, 1000)
}

// waiting is a topic with one partition.
func waiting(ctx context.Context, t *task) (string, error) {
	return t.bed.source(ctx, 1, t.full, waitingKeys)
}

// source returns a topic with n events.
func (b *bed) source(ctx context.Context, parts, n, keys int) (string, error) {
	name := fmt.Sprintf("source-%d-%d-%d", b.payload, parts, n)
	if b.filled[name] > 0 {
		return name, nil
	}
	if err := b.s.create(ctx, name, parts); err != nil {
		return "", err
	}
	p, err := b.s.drivers()["leat"].(leat).publisherOf(name, parts) //nolint:forcetypeassert // see drivers
	if err != nil {
		return "", err
	}
	defer p.close() //nolint:errcheck // everything was acknowledged
	b.filled[name] = n
	return name, inBatches(ctx, p, events(n, b.payload, keys))
}

func inBatches(ctx context.Context, p publisher, es []event) error {
	for len(es) > 0 {
		n := min(1000, len(es))
		if err := p.batch(ctx, es[:n]); err != nil {
			return err
		}
		es = es[n:]
	}
	return nil
}

// drop removes the topics that were filled.
func (b *bed) drop(ctx context.Context) {
	for name := range b.filled {
		b.s.clean(ctx, "", name)
	}
	clear(b.filled)
}

func perSecond(n int, d time.Duration) []float64 { return []float64{float64(n) / d.Seconds()} }
