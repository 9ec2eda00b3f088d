package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// sample is one run of one subject.
type sample struct {
	values   []float64
	messages int
	used     Usage
}

// subject is who runs, and at which size.
type subject struct {
	name string
	size int
}

// Plan says what is run, and how often.
type Plan struct {
	Prefix     string // of the names of topics and groups
	Rounds     int    // the first one is dropped
	Messages   int    // what many callers publish; other workloads scale with it
	Payload    int    // bytes of a message
	Partitions int    // of ordinary topics, default 6
	Full       bool   // scaling to its end, which takes long and much disk or memory
	Subject    string // "" for all
	// Around, when set, is called before a run and returns what to call after it.
	Around func(w Workload, broker, subject string, payload, round int) (after func(error) error, err error)
	Log    *slog.Logger
}

// mostWaiting is the largest number of messages waiting.
func (p Plan) mostWaiting() int {
	if p.Full {
		return 100 * p.Messages
	}
	return 10 * p.Messages
}

// sweeping bounds the removal of what was made.
const sweeping = 30 * time.Second

// On runs workloads on one server and removes what they made. One that fails stops no other,
// and rows of what succeeded are returned beside the error.
func (p Plan) On(ctx context.Context, s Server, ws []Workload) (rows []Row, err error) {
	if p.Partitions == 0 {
		p.Partitions = ordinaryPartitions
	}
	b := &bed{s: s, prefix: p.Prefix, payload: p.Payload, parts: p.Partitions, filled: map[string]filled{}}
	for _, w := range ws {
		if w.Payloads != nil && !slices.Contains(w.Payloads, p.Payload) || ctx.Err() != nil {
			continue
		}
		more, runErr := p.run(ctx, b, w)
		rows, err = append(rows, more...), errors.Join(err, runErr)
	}
	sweep, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweeping)
	defer cancel()
	if err := s.Sweep(sweep, p.Prefix); err != nil {
		p.Log.Warn("not everything was removed", "broker", s.Name(), "prefix", p.Prefix, "error", err)
	}
	return rows, err
}

func (p Plan) run(ctx context.Context, b *bed, w Workload) ([]Row, error) {
	start := time.Now()
	subjects := slices.DeleteFunc(p.subjects(w), func(who subject) bool {
		return who.name == SubjectLabelled && b.s.Drivers()[who.name] == nil
	})
	samples, err := p.compare(ctx, b, w, subjects)
	if w.Sizes != nil {
		b.drop(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s on %s with %d bytes: %w", w.Name, b.s.Name(), b.payload, err)
	}
	p.Log.Info("ran", "workload", w.Name, "broker", b.s.Name(), "payload", b.payload, "took", time.Since(start).Round(100*time.Millisecond))
	return w.rows(b, subjects, samples), nil
}

// subjects are those of a workload at each of its sizes.
func (p Plan) subjects(w Workload) (all []subject) {
	at := []int{0}
	if w.Sizes != nil {
		at = w.Sizes(p)
	}
	for _, name := range w.Subjects {
		if p.Subject != "" && p.Subject != name {
			continue
		}
		for _, size := range at {
			all = append(all, subject{name, size})
		}
	}
	return all
}

// compare runs a workload in rounds, subjects in turns, and drops the first round.
func (p Plan) compare(ctx context.Context, b *bed, w Workload, subjects []subject) (map[subject][]sample, error) {
	samples := map[subject][]sample{}
	for round := range p.Rounds * max(w.More, 1) {
		for _, who := range turns(subjects, round) {
			s, err := p.measure(ctx, b, w, who, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", who.name, err)
			}
			p.Log.Debug("run", "workload", w.Name, "broker", b.s.Name(), "payload", b.payload, "subject", who.name, "size", who.size, "round", round, "values", s.values)
			if round > 0 {
				samples[who] = append(samples[who], s)
			}
		}
	}
	return samples, nil
}

// turns is the order of a round. All subjects begin rounds, and every other round goes backwards, so that nobody
// always runs after the same one, whose work servers and disks may not be through with.
func turns(subjects []subject, round int) []subject {
	first := round / 2 % len(subjects)
	order := slices.Concat(subjects[first:], subjects[:first])
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

func (p Plan) task(b *bed, w Workload, who subject) *Task {
	t := &Task{Subject: who.name, Size: who.size, bed: b, driver: b.s.Drivers()[who.name], format: w.Format}
	if who.name == SubjectJSON {
		t.driver, t.format = b.s.Drivers()[SubjectLeat], ""
	}
	t.Messages = w.messages(p.Messages, b.payload, who.name)
	t.full = w.messages(p.Messages, b.payload, SubjectLeat)
	return t
}

func (p Plan) measure(ctx context.Context, b *bed, w Workload, who subject, round int) (sample, error) {
	t := p.task(b, w, who)
	ctx, cancel := context.WithTimeout(ctx, t.limit())
	defer cancel()
	if w.Source != nil {
		if err := w.Source(ctx, t); err != nil {
			return sample{}, err
		}
	}
	freshMemory()
	after := func(err error) error { return err }
	if p.Around != nil {
		var err error
		if after, err = p.Around(w, b.s.Name(), who.name, b.payload, round); err != nil {
			return sample{}, err
		}
	}
	before := usageNow()
	values, err := w.Run(ctx, t)
	used := usageNow().since(before)
	if t.Used != nil {
		used = *t.Used
	}
	return sample{values, t.Messages, used}, after(err)
}
