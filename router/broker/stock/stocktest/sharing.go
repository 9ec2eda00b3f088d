package stocktest

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

// testSharing lets members come and go while messages arrive: some may be handled twice,
// none is lost.
func testSharing(t *testing.T, b *bench) {
	t.Helper()
	got := b.seen()
	want := map[string]bool{}
	send := func(from, to int) {
		var rs []*broker.Record
		for i := range to - from {
			v := strconv.Itoa(from + i)
			want[v] = true
			rs = append(rs, b.record("key"+v, v))
		}
		b.publish(t, b.Sends(), rs...)
	}
	g := b.group(broker.Subscription{Concurrency: 4, Handle: got.done})
	send(0, 50)
	first := b.join(t, g)
	send(50, 100)
	b.join(t, g)
	send(100, 150)
	b.leave(t, first)
	send(150, 200)
	unique := func() map[string]bool {
		m := map[string]bool{}
		for _, v := range got.values() {
			m[v] = true
		}
		return m
	}
	poll(t, func() bool { return len(unique()) == len(want) })
	if diff := cmp.Diff(want, unique()); diff != "" {
		t.Error(diff)
	}
}
