package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// keyFor is what the Key of a topic says of a value.
func keyFor[T any](t topics.Topic[T], s *topics.Spec, v *T) (key string, err error) {
	err = keyFrom(s, func() error {
		key = t.KeyOf(*v)
		return nil
	})
	return key, err
}

// keyFrom makes a panic in the Key of a topic an error of the value.
func keyFrom(s *topics.Spec, f func() error) error {
	if err := recovered(f); err != nil {
		return fmt.Errorf("key of a message for %s: %w", s.Name, err)
	}
	return nil
}

// EncodeKey returns the bytes of a key that is not empty, as the topic's KeyFormat has them.
func (r *Router) EncodeKey(ctx context.Context, s topics.Spec, key string) (data []byte, err error) {
	if s.KeyFormat == "" {
		return []byte(key), nil
	}
	c, ok := r.codecs[s.KeyFormat].(codec.KeyCodec)
	if !ok {
		return nil, r.keyFault(s)
	}
	err = recovered(func() (err error) {
		data, err = c.EncodeKey(ctx, nil, s.Name, key)
		return err
	})
	return data, err
}

// DecodeKey returns what the key of a record says, by the topic's KeyFormat; "" without a key.
func (r *Router) DecodeKey(ctx context.Context, s topics.Spec, rec *broker.Record) (string, error) {
	if s.KeyFormat == "" || len(rec.Key) == 0 {
		return string(rec.Key), nil
	}
	c, ok := r.codecs[s.KeyFormat].(codec.KeyCodec)
	if !ok {
		return "", r.keyFault(s)
	}
	return textOf(ctx, c, s.Name, rec)
}

func textOf(ctx context.Context, c codec.KeyCodec, topic string, rec *broker.Record) (text string, err error) {
	err = recovered(func() (err error) {
		text, err = c.DecodeKey(ctx, topic, rec.Key, &rec.Headers)
		return err
	})
	return text, err
}

// keyed is the context of a message whose key is no text, with what the key says.
type keyed struct {
	context.Context //nolint:containedctx // this is a context
	text            string
}

// decodeKey keeps what the key says. A key that says nothing condemns the message.
func (c *call) decodeKey() error {
	if len(c.rec.Key) == 0 {
		return nil
	}
	text, err := textOf(c, c.h.keys, c.rec.Topic, c.rec)
	switch {
	case errors.Is(err, codec.ErrUnavailable):
		return err
	case err != nil:
		return undecodable(c.rec, err)
	}
	c.Context = &keyed{c.Context, text}
	return nil
}

// key is the message's key as text.
func (c *call) key() string {
	if k, ok := c.Context.(*keyed); ok {
		return k.text
	}
	return string(c.rec.Key)
}

// keyFault is what is wrong with a topic's KeyFormat.
func (r *Router) keyFault(s topics.Spec) error {
	if s.KeyFormat == "" {
		return nil
	}
	c, ok := r.codecs[s.KeyFormat]
	if !ok {
		return fmt.Errorf("topic %s has key format %q, for which there is no codec: add router.Codec(%q, …), or leave KeyFormat out for text",
			s.Name, s.KeyFormat, s.KeyFormat)
	}
	if _, ok := c.(codec.KeyCodec); !ok {
		return fmt.Errorf("topic %s has key format %q, whose codec encodes no keys: leave KeyFormat out for text", s.Name, s.KeyFormat)
	}
	return nil
}

func keysAs(s topics.Spec) string { return cmp.Or(string(s.KeyFormat), "text") }

// prepareKeys warms up for the topics that the service writes. Those that it reads are left
// alone: their keys may be of a schema that others register.
func (r *Router) prepareKeys(ctx context.Context) {
	for _, s := range r.Topics() {
		p, ok := r.codecs[s.KeyFormat].(preparer)
		if !ok || s.KeyFormat == "" || r.reads(s.Name) {
			continue
		}
		if err := p.Prepare(ctx, codec.Subject{Topic: s.Name, Type: reflect.TypeFor[codec.Key]()}); err != nil {
			r.log.Warn("schema of keys not prepared", slog.String("topic", s.Name), slog.String("error", errorText(err)))
		}
	}
}

func (r *Router) reads(topic string) bool {
	return slices.ContainsFunc(r.handlers, func(h *handler) bool { return h.in.Name == topic })
}
