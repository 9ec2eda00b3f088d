package brokertest

import (
	"fmt"
	"strconv"

	"github.com/leat-go/leat/router/broker"
)

// record makes a record with an id; the key "" is none.
func record(topic, key, value string) *broker.Record {
	r := &broker.Record{Topic: topic, Value: []byte(value), ID: unique("id")}
	if key != "" {
		r.Key = []byte(key)
	}
	return r
}

// texts makes records of values, whose first letters are their keys.
func texts(topic string, values ...string) []*broker.Record {
	rs := make([]*broker.Record, len(values))
	for i, v := range values {
		rs[i] = record(topic, v[:1], v)
	}
	return rs
}

func keyName(i int) string { return fmt.Sprintf("key-%d", i) }

// numbered makes n records over some keys, in turns. The values of a key count from first.
func numbered(topic string, n, keys, first int) []*broker.Record {
	rs := make([]*broker.Record, n)
	for i := range rs {
		rs[i] = record(topic, keyName(i%keys), strconv.Itoa(first+i/keys))
	}
	return rs
}

// byKey groups the values of records by their keys, in order.
func byKey(rs []*broker.Record) map[string][]string {
	m := map[string][]string{}
	for _, r := range rs {
		m[string(r.Key)] = append(m[string(r.Key)], string(r.Value))
	}
	return m
}

func values(rs []*broker.Record) []string {
	vs := make([]string, len(rs))
	for i, r := range rs {
		vs[i] = string(r.Value)
	}
	return vs
}
