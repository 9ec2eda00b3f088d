package avro

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/codec"
)

// forgottenAfter is longer than a consumer that waits for a schema takes to ask again.
const forgottenAfter = 15 * time.Second

// outage is a question that no registry answered, or that one refused to answer.
type outage struct {
	err error
	at  time.Time
}

// answered keeps what came of a question last and returns err. A caller who left says nothing
// of the registry.
func (r *registry) answered(v verdict, err error) error {
	switch {
	case v != failed && v != barred:
		r.last.Store(nil)
	case !errors.Is(err, context.Canceled):
		r.last.Store(&outage{err, time.Now()})
	}
	return err
}

// outage returns why messages have to wait now, nil when the last answer was one. Nobody has
// to ask again for it to end.
func (r *registry) outage() error {
	last := r.last.Load()
	if last == nil || time.Since(last.at) > forgottenAfter {
		return nil
	}
	return last.err
}

var _ codec.Prober = (*Codec)(nil)

// Ready returns nil, or why the registry was of no use when it was asked last, in the last 15
// seconds. It asks nobody; nil without a registry.
func (c *Codec) Ready() error {
	if c.registry == nil {
		return nil
	}
	if err := c.registry.outage(); err != nil {
		return errors.New(cut(err.Error(), maxAnswer))
	}
	return nil
}
