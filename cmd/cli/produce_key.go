package cli

import (
	"context"
	"slices"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// keyOption is the key of every message, none without --key. A declared topic says itself how
// keys are encoded; on any other they are the bytes that are given.
func (o *produceOptions) keyOption(ctx context.Context, r *router.Router) ([]router.SendOption, error) {
	to := r.Spec(topics.Spec{Name: o.topic})
	declared := slices.ContainsFunc(r.Topics(), func(t topics.Spec) bool { return t.Name == o.topic || t.Name == to.Name })
	switch {
	case o.avroKey && o.key == "":
		return nil, usagef("--avro-key says how --key is written: pass --key")
	case o.avroKey && declared:
		return nil, usagef("--avro-key: topic %s is declared, and its KeyFormat says how keys are written", o.topic)
	case o.key == "":
		return nil, nil
	case !o.avroKey:
		return []router.SendOption{router.Key(o.key)}, nil
	}
	to.KeyFormat = topics.Avro
	key, err := r.EncodeKey(ctx, to, o.key)
	return []router.SendOption{router.Key(string(key))}, err
}
