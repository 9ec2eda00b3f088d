package router

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// deadLetterExtra is how much larger than a message its dead letter may be.
const deadLetterExtra = 64 << 10

// Plan returns the topics that the service needs: those declared and the dead letter topics.
func (r *Router) Plan() []broker.TopicConfig {
	var plan []broker.TopicConfig
	for _, s := range r.Topics() {
		plan = append(plan, configOf(s))
	}
	for _, h := range r.handlers {
		name := h.info.DeadLetter
		if name == "" || slices.ContainsFunc(plan, func(t broker.TopicConfig) bool { return t.Name == name }) {
			continue
		}
		plan = append(plan, broker.TopicConfig{
			Name: name, Kind: topics.KindEvent, Partitions: h.in.Partitions, Replication: h.in.Replication,
			Retention: -1, ExtraBytes: deadLetterExtra,
		})
	}
	return plan
}

func configOf(s topics.Spec) broker.TopicConfig {
	return broker.TopicConfig{Name: s.Name, Kind: s.Kind, Partitions: s.Partitions, Replication: s.Replication, Retention: s.Retention}
}

// ensure creates a topic before the first publish to it, unless topics are required to exist.
func (r *Router) ensure(ctx context.Context, s *topics.Spec) error {
	if _, ok := r.prepared.Load(s.Name); ok || r.conv.RequireTopics {
		return nil
	}
	if err := r.broker.CreateTopics(ctx, configOf(*s)); err != nil {
		return fmt.Errorf("create topic %s: %w", s.Name, err)
	}
	r.prepared.Store(s.Name, true)
	return nil
}

// prepareTopics creates what is missing, or reports it.
func (r *Router) prepareTopics(ctx context.Context) error {
	plan := r.Plan()
	if len(plan) == 0 {
		return nil
	}
	have, err := r.broker.Topics(ctx)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	if r.conv.RequireTopics {
		return missing(plan, have)
	}
	for i, t := range plan {
		if t.Retention < 0 && t.Partitions == 0 { // dead letters: as many partitions as the source
			plan[i].Partitions = partitionsOf(r.sourceOf(t.Name), have)
		}
	}
	if err := r.broker.CreateTopics(ctx, plan...); err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, t := range plan {
		r.prepared.Store(t.Name, true)
	}
	return nil
}

func missing(plan []broker.TopicConfig, have []broker.TopicInfo) error {
	var errs []error
	for _, t := range plan {
		if !slices.ContainsFunc(have, func(h broker.TopicInfo) bool { return h.Name == t.Name }) {
			errs = append(errs, fmt.Errorf("topic %s: %w: create it with `leat topics create %s --partitions %d`, or set messaging.auto_create_topics",
				t.Name, broker.ErrNoTopic, t.Name, max(t.Partitions, 1)))
		}
	}
	return errors.Join(errs...)
}

func (r *Router) sourceOf(deadLetter string) string {
	for _, h := range r.handlers {
		if h.info.DeadLetter == deadLetter {
			return h.in.Name
		}
	}
	return ""
}

func partitionsOf(topic string, have []broker.TopicInfo) int {
	for _, h := range have {
		if h.Name == topic {
			return h.Partitions
		}
	}
	return 0
}
