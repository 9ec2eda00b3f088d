package router

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Producer sends by topic name. On a declared topic that topic's key and format apply and a
// value of another type is an error; on any other the default format does. An empty topic
// is Conventions.DefaultTopic. It is safe for concurrent use.
type Producer interface {
	// Send returns when the broker has the value.
	Send(ctx context.Context, topic string, v any, opts ...SendOption) (Receipt, error)
	// SendAsync returns at once; done may be nil and must not block.
	SendAsync(ctx context.Context, topic string, v any, done func(Receipt, error), opts ...SendOption)
	// SendBatch returns when the broker has all values. On a *PublishError the receipts of
	// those that were written are valid.
	SendBatch(ctx context.Context, topic string, vs []Outgoing) ([]Receipt, error)
}

// Outgoing is one value of a SendBatch.
type Outgoing struct {
	Value     any
	Key       string            // default: what the declared topic's Key returns
	Headers   map[string]string // added
	Timestamp time.Time         // default: now
}

// NewProducer returns the producer of a router.
func NewProducer(r *Router) Producer { return producer{r} }

type producer struct{ r *Router }

func (p producer) Send(ctx context.Context, topic string, v any, opts ...SendOption) (Receipt, error) {
	s, o, err := p.r.outgoing(topic, Outgoing{Value: v}, opts)
	if err != nil {
		return Receipt{}, err
	}
	w := p.r.newLone()
	w.sending = *o
	return p.r.publishOne(ctx, &s, w)
}

func (p producer) SendAsync(ctx context.Context, topic string, v any, done func(Receipt, error), opts ...SendOption) {
	s, o, err := p.r.outgoing(topic, Outgoing{Value: v}, opts)
	p.r.publishAsync(ctx, &s, o, err, done)
}

func (p producer) SendBatch(ctx context.Context, topic string, vs []Outgoing) ([]Receipt, error) {
	outs := make([]*sending, len(vs))
	var s topics.Spec
	for i, v := range vs {
		var err error
		if s, outs[i], err = p.r.outgoing(topic, v, nil); err != nil {
			return nil, &PublishError{s.Name, map[int]error{i: err}}
		}
	}
	return p.r.publish(ctx, &s, len(outs), func(i int, o *sending) error { *o = *outs[i]; return nil })
}

// outgoing finds the topic's declaration and the key that it asks for.
func (r *Router) outgoing(topic string, v Outgoing, opts []SendOption) (topics.Spec, *sending, error) {
	if topic == "" {
		topic = r.conv.DefaultTopic
	}
	s, declared := r.lookup(topic)
	o := &sending{value: v.Value, key: v.Key, time: v.Timestamp}
	for _, k := range slices.Sorted(maps.Keys(v.Headers)) {
		o.headers = append(o.headers, broker.Header{Key: k, Value: []byte(v.Headers[k])})
	}
	for _, opt := range opts {
		opt.applySend(o)
	}
	if b, ok := v.Value.([]byte); ok && !declared && o.schema == "" {
		s.Format, o.value = topics.Raw, b
	}
	if !declared || o.schema != "" {
		return s, o, nil
	}
	return s, o, keyOf(s, o)
}

// lookup finds a topic by its name at the broker, then by its name in code.
func (r *Router) lookup(topic string) (s topics.Spec, declared bool) {
	s = r.specOf(topics.Spec{Name: topic})
	for _, name := range []string{topic, s.Name} {
		for _, specs := range []map[string]topics.Spec{r.declared, r.known} {
			if d, ok := specs[name]; ok {
				return d, true
			}
		}
	}
	return s, false
}

// keyOf applies the declared topic's Key, and refuses values of another type. A map is taken
// as it is: the codec knows whether it can encode it.
func keyOf(s topics.Spec, o *sending) error {
	if _, ok := o.value.(map[string]any); ok {
		return nil
	}
	if s.Type != nil && len(s.Cases) == 0 && reflect.TypeOf(o.value) != s.Type {
		return fmt.Errorf("send %T to %s: the topic is declared with %s", o.value, s.Name, s.Type)
	}
	if s.Key == nil || o.key != "" {
		return nil
	}
	return keyFrom(&s, func() (err error) {
		o.key, err = s.Key(o.value)
		return err
	})
}

type producerKey struct{}

// NewContext returns a context with which [Publish] and [Send] find the producer.
func NewContext(ctx context.Context, p Producer) context.Context {
	return context.WithValue(ctx, producerKey{}, p)
}

// Publish publishes values from anywhere below a handler, app.Go or app.Serve: the app is
// found in ctx. The rules of [Publisher.Publish] hold.
func Publish[T any](ctx context.Context, t topics.Topic[T], vs ...T) error {
	p, ok := ctx.Value(producerKey{}).(producer)
	if !ok {
		return ErrNoApp
	}
	s := p.r.specOf(t.Spec())
	return Publisher[T]{r: p.r, t: t, spec: &s}.Publish(ctx, vs...)
}

// specOf is declare for a topic that may be unknown and must not become known.
func (r *Router) specOf(s topics.Spec) topics.Spec {
	if s.Format == "" {
		s.Format = r.conv.DefaultFormat
	}
	if r.conv.Topic != nil {
		s = r.conv.Topic(s)
	}
	return s
}

// Send is [Publish] by topic name.
func Send(ctx context.Context, topic string, v any, opts ...SendOption) error {
	p, ok := ctx.Value(producerKey{}).(Producer)
	if !ok {
		return ErrNoApp
	}
	_, err := p.Send(ctx, topic, v, opts...)
	return err
}
