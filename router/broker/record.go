package broker

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// Record is a message as a broker keeps it.
type Record struct {
	// Topic, Partition and Offset say where the record is. Offset is a decimal number on
	// Kafka and in memory, an entry id on Redis. A record to be published has a Topic only;
	// its partition follows from its key.
	Topic     string
	Partition int32
	Offset    string
	// Key orders records; nil means none.
	Key []byte
	// Value is the payload; nil is a tombstone, which differs from empty.
	Value []byte
	// Headers keep their order and repeats.
	Headers Headers
	// Time is when the record was published; zero on publishing means now.
	Time time.Time
	// ID names the message across brokers; "" when a foreign producer gave none.
	ID string
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Headers is an ordered list that may repeat a key.
type Headers []Header

// Get returns the last header of that name.
func (hs Headers) Get(key string) (value []byte, ok bool) {
	for i := len(hs) - 1; i >= 0; i-- { // without an iterator: each message is asked several times
		if h := &hs[i]; h.Key == key {
			return h.Value, true
		}
	}
	return nil, false
}

// Clone returns a copy that shares no value with hs.
func (hs Headers) Clone() Headers {
	hs = slices.Clone(hs)
	for i := range hs {
		hs[i].Value = bytes.Clone(hs[i].Value)
	}
	return hs
}

// Map returns the headers as a map; of repeated keys the last wins. The values share memory.
func (hs Headers) Map() map[string]string {
	var all strings.Builder
	for i := range hs {
		all.Write(hs[i].Value)
	}
	text := all.String()
	m := make(map[string]string, len(hs))
	for i := range hs {
		n := len(hs[i].Value)
		m[hs[i].Key], text = text[:n], text[n:]
	}
	return m
}

// Size is the number of bytes of key, value and headers, which is what bounds and limits count.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// Receipt says where a published record went.
type Receipt struct {
	Topic     string
	Partition int32
	Offset    string
	Time      time.Time
}
