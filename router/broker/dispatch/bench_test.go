package dispatch_test

import (
	"fmt"
	"testing"

	"github.com/leat-go/leat/router/broker/dispatch"
)

func BenchmarkEngine(b *testing.B) {
	for _, keys := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprintf("%d keys", keys), func(b *testing.B) { benchmarkEngine(b, keys) })
	}
}

// benchmarkEngine measures one item from Feed to Done.
func benchmarkEngine(b *testing.B, keys int) {
	b.Helper()
	names := make([][]byte, keys)
	for i := range names {
		names[i] = fmt.Append(nil, "key", i)
	}
	e := dispatch.New(dispatch.Config[int]{Concurrency: 4, Run: (*dispatch.Item[int]).Done})
	defer e.Close()
	p := e.Assign(0, 0)
	es := make([]dispatch.Entry[int], 0, 500)
	b.ReportAllocs()
	for i := range b.N {
		es = append(es, dispatch.Entry[int]{Position: int64(i), Key: names[i%keys], Size: 100})
		if len(es) < cap(es) && i < b.N-1 {
			continue
		}
		if p.Feed(es...) {
			if err := p.Wait(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		es = es[:0]
	}
	for e.Stats().Delivered > 0 { // until the last one is done
	}
}
