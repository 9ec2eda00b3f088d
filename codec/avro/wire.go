package avro

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/leat-go/leat/codec"
)

// guidHeader carries a schema's GUID; the value then has no prefix.
const guidHeader = "__value_schema_id"

const (
	confluentPrefix = 5  // 0, id in four bytes
	singlePrefix    = 10 // C3 01, fingerprint in eight bytes
	guidLength      = 17 // 01, GUID in sixteen bytes
)

type keyKind byte

const (
	byID keyKind = iota
	byGUID
	byFingerprint
)

// schemaKey is how a message names the schema that it was written with.
type schemaKey struct {
	kind      keyKind
	id        uint32
	high, low uint64 // a GUID; a fingerprint is in high
}

func fingerprintKey(f [8]byte) schemaKey {
	return schemaKey{kind: byFingerprint, high: binary.BigEndian.Uint64(f[:])}
}

// String is the id in decimal, the GUID, or the fingerprint in hex.
func (k schemaKey) String() string {
	switch k.kind {
	case byGUID:
		h := fmt.Sprintf("%016x%016x", k.high, k.low)
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	case byFingerprint:
		return fmt.Sprintf("%016x", k.high)
	case byID:
	}
	return strconv.FormatUint(uint64(k.id), 10)
}

// unframe splits a message into the name of its schema and the body.
func unframe(data []byte, h codec.Headers) (schemaKey, []byte, error) {
	if k, ok := headerKey(h, guidHeader); ok {
		return k, data, nil
	}
	switch {
	case len(data) == 0:
		return schemaKey{}, nil, errors.New("decode avro message: the value is empty")
	case data[0] == 0:
		return confluentKey(data)
	case data[0] == 0xC3 && (len(data) == 1 || data[1] == 0x01):
		return singleKey(data)
	case looksLikeJSON(data):
		return schemaKey{}, nil, errors.New("decode avro message: the value is JSON, not Avro: did a producer use another format for this topic?")
	}
	return schemaKey{}, nil, fmt.Errorf("decode avro message: it starts with %#02x: neither the 0 of a schema registry nor the c3 01 of a single object", data[0])
}

func headerKey(h codec.Headers, name string) (k schemaKey, ok bool) {
	if h == nil {
		return k, false
	}
	value, ok := h.Get(name)
	if !ok || len(value) != guidLength || value[0] != 1 {
		return k, false
	}
	guid := value[1:]
	return schemaKey{kind: byGUID, high: binary.BigEndian.Uint64(guid), low: binary.BigEndian.Uint64(guid[8:])}, true
}

func confluentKey(data []byte) (schemaKey, []byte, error) {
	if len(data) < confluentPrefix {
		return schemaKey{}, nil, fmt.Errorf("decode avro message: %d bytes: the prefix alone has %d", len(data), confluentPrefix)
	}
	k := schemaKey{id: binary.BigEndian.Uint32(data[1:])}
	if k.id == 0 || k.id > math.MaxInt32 {
		return schemaKey{}, nil, &DecodeError{SchemaID: k.String(), Err: errors.New("no registry gives out this id")}
	}
	return k, data[confluentPrefix:], nil
}

func singleKey(data []byte) (schemaKey, []byte, error) {
	if len(data) < singlePrefix {
		return schemaKey{}, nil, fmt.Errorf("decode avro message: %d bytes: the header of a single object alone has %d", len(data), singlePrefix)
	}
	return fingerprintKey([8]byte(data[2:singlePrefix])), data[singlePrefix:], nil
}

func looksLikeJSON(data []byte) bool {
	text := bytes.TrimLeft(data, " \t\r\n")
	return len(text) > 0 && bytes.IndexByte([]byte(`{["`), text[0]) >= 0
}

// confluentFrame is what goes before the body under a registry's id.
func confluentFrame(id int) []byte {
	return binary.BigEndian.AppendUint32([]byte{0}, uint32(id)) //nolint:gosec // checked where it comes from
}

// singleFrame is what goes before the body without a registry.
func singleFrame(s *schema) []byte { return append([]byte{0xC3, 0x01}, s.fingerprint[:]...) }
