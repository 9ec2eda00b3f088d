package cli

import (
	"bytes"
	"context"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
)

// key decodes by the KeyFormat of a declared topic, else by what the bytes look like.
func (d decoder) key(ctx context.Context, r *broker.Record) (string, error) {
	keys, ok := d.avro.(codec.KeyCodec)
	t, declared := d.declared[r.Topic]
	known := declared && t.KeyFormat != ""
	if !ok || len(r.Key) == 0 || !known && (declared || !namesKeySchema(r)) {
		return text(r.Key), nil
	}
	key, err := keys.DecodeKey(ctx, r.Topic, r.Key, r.Headers)
	switch {
	case err == nil:
		return key, nil
	case known:
		return text(r.Key), err
	}
	return text(r.Key), nil // only looked like it
}

// keyGUIDHeader carries the GUID of a key's schema.
const keyGUIDHeader = "__key_schema_id"

// namesKeySchema is namesSchema of the key.
func namesKeySchema(r *broker.Record) bool {
	const prefix = 5 // 0 and the id
	_, guid := r.Headers.Get(keyGUIDHeader)
	return guid || len(r.Key) > prefix && r.Key[0] == 0 || bytes.HasPrefix(r.Key, []byte{0xC3, 0x01})
}
