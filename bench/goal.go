package main

import (
	"fmt"
	"strings"

	"github.com/leat-go/leat/internal/bench"
)

// goal is what leat wants to reach: ratios to others, or a value of its own; 0 is none.
type goal struct{ bare, stock, ideal, json, smallest, value float64 }

// goals of each workload; those with the broker's name win.
var goals = map[string]goal{
	"publish-one": {bare: 0.95, stock: 1}, "publish-64": {bare: 0.95, stock: 1},
	"publish-batch/kafka": {bare: 0.8}, "publish-batch/redis": {bare: 0.7},
	"consume-typed/kafka": {bare: 0.6, stock: 4}, "consume-typed/redis": {bare: 0.6},
	"consume-typed-1/kafka": {bare: 0.6, stock: 4}, "consume-typed-1/redis": {bare: 0.6, stock: 15},
	"consume-raw":    {bare: 0.3},
	"pipeline/kafka": {bare: 0.7, stock: 15}, "pipeline/redis": {bare: 0.7}, "pipeline-1": {bare: 0.7, stock: 15},
	"pipeline-batch": {bare: 0.85},
	"plain-handler":  {stock: 1}, "plain-pipeline": {stock: 5},
	"consume-avro": {json: 0.8}, "pipeline-avro": {json: 0.8},
	"key-concurrency-200": {ideal: 1.3}, "key-concurrency-20": {ideal: 1.3},
	"latency-p50": {bare: 1.5}, "latency-p99": {bare: 1.5},
	"join":          {bare: 1.2},
	"scale-waiting": {smallest: 1.25}, "scale-partitions": {smallest: 1.25}, "scale-handlers": {smallest: 1.25}, "scale-keys": {smallest: 1.25},
	"start": {value: 300},
}

// memory is how much leat's process may take in any workload.
const memory = 200_000_000

func goalOf(r bench.Row) goal {
	if g, ok := goals[r.Workload+"/"+r.Broker]; ok {
		return g
	}
	return goals[r.Workload]
}

// verdict says which goals a row of leat misses, or which it was not compared for, "reached"
// when neither, "" for other subjects.
func verdict(r bench.Row) string {
	if r.Subject != bench.SubjectLeat {
		return ""
	}
	missed, open := judge(r, goalOf(r))
	switch {
	case len(missed) > 0:
		return "missed: " + strings.Join(missed, ", ")
	case len(open) > 0:
		return "open: not compared with " + strings.Join(open, ", ")
	}
	return "reached"
}

func judge(r bench.Row, g goal) (missed, open []string) {
	for _, c := range []struct {
		to   string
		got  *bench.Span
		want float64
	}{
		{"bare", r.ToBare, g.bare}, {"stock", r.ToStock, g.stock}, {"ideal", r.ToIdeal, g.ideal},
		{"JSON", r.ToJSON, g.json}, {"the smallest", r.ToSmallest, g.smallest},
	} {
		switch {
		case c.want == 0:
		case c.got == nil:
			open = append(open, c.to)
		case r.Lower && c.got.Median > c.want:
			missed = append(missed, fmt.Sprintf("≤ %g × %s", c.want, c.to))
		case !r.Lower && c.got.Median < c.want:
			missed = append(missed, fmt.Sprintf("≥ %g × %s", c.want, c.to))
		}
	}
	return append(missed, missedValues(r, g)...), open
}

func missedValues(r bench.Row, g goal) (missed []string) {
	if g.value > 0 && r.Median > g.value {
		missed = append(missed, fmt.Sprintf("≤ %g %s", g.value, r.Unit))
	}
	if r.PeakRSS > memory {
		missed = append(missed, fmt.Sprintf("≤ %d MB of memory", memory/1_000_000))
	}
	return missed
}
