package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// runLimit bounds one run of one subject.
const runLimit = 90 * time.Second

// sample is one run of one subject.
type sample struct {
	values    []float64
	n         int
	cpu       time.Duration
	allocated uint64
	rss       int64
}

// plan is what the flags ask for.
type plan struct {
	rounds, messages int
	payloads         []int
	subject          string // "" for all
	profiles         string
	log              *slog.Logger
}

// compare runs a workload in rounds, subjects in turns, and drops the first round. Every
// round begins with another subject. What fails is left out and reported.
func (p plan) compare(ctx context.Context, b *bed, w workload) (map[string][]sample, error) {
	samples := map[string][]sample{}
	drivers := b.s.drivers()
	for round := range p.rounds {
		for i := range w.subjects {
			name := w.subjects[(i+round)%len(w.subjects)]
			if p.subject != "" && p.subject != name {
				continue
			}
			s, err := p.measure(ctx, b, w, name, drivers[name], round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			p.log.Debug("run", "workload", w.name, "broker", b.s.name(), "payload", b.payload, "subject", name, "round", round, "values", s.values)
			if round > 0 {
				samples[name] = append(samples[name], s)
			}
		}
	}
	return samples, nil
}

func (p plan) measure(ctx context.Context, b *bed, w workload, name string, d driver, round int) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	t := &task{bed: b, d: d, id: name, n: w.messages(p.messages, b.payload, name), full: w.messages(p.messages, b.payload, "leat")}
	if err := w.prepared(ctx, t); err != nil {
		return sample{}, err
	}
	freshMemory()
	stop, err := p.profile(w, b, name, round)
	if err != nil {
		return sample{}, err
	}
	before := usageNow()
	values, err := w.run(ctx, t)
	used := usageNow().since(before)
	return sample{values, t.n, used.cpu, used.allocated, peakRSS()}, stop(err)
}
