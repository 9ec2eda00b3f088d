package router

import (
	"unsafe"

	"github.com/leat-go/leat/router/broker"
)

// addHeader leaves out what is empty.
func addHeader(hs broker.Headers, key string, value []byte) broker.Headers {
	if len(value) == 0 {
		return hs
	}
	return append(hs, broker.Header{Key: key, Value: value})
}

// viewOf returns the bytes of s itself. Nobody writes into the values of a record's headers.
func viewOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) } //nolint:gosec // read only, see above

// headers pairs names and values, leaving out what is empty.
func headers(pairs ...string) broker.Headers {
	hs := make(broker.Headers, 0, len(pairs)/2)
	for ; len(pairs) >= 2; pairs = pairs[2:] {
		hs = addHeader(hs, pairs[0], viewOf(pairs[1]))
	}
	return hs
}
