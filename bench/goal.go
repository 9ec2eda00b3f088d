package main

import "fmt"

// goal is a ratio that leat wants to reach; 0 is none.
type goal struct{ bare, stock, ideal float64 }

// goals of each workload; those with the broker's name win.
var goals = map[string]goal{
	"publish-one": {bare: 0.95}, "publish-64": {bare: 0.95},
	"publish-batch/kafka": {bare: 0.8}, "publish-batch/redis": {bare: 0.7},
	"consume-typed/kafka": {bare: 0.6, stock: 4}, "consume-typed/redis": {bare: 0.6, stock: 15},
	"pipeline": {bare: 0.7, stock: 15}, "pipeline-batch": {bare: 0.85},
	"plain-handler":   {stock: 5},
	"key-concurrency": {ideal: 1.3},
	"latency-p50":     {bare: 1.5}, "latency-p99": {bare: 1.5},
}

func goalOf(r row) goal {
	if g, ok := goals[r.Workload+"/"+r.Broker]; ok {
		return g
	}
	return goals[r.Workload]
}

// verdict says what of the goals a row of leat misses, "reached" when nothing, "" without goals.
func (r row) verdict() string {
	g := goalOf(r)
	if g == (goal{}) || r.Subject != "leat" {
		return ""
	}
	text := missed(r, "bare", r.ToBare, g.bare) + missed(r, "stock", r.ToStock, g.stock) + missed(r, "ideal", r.ToIdeal, g.ideal)
	if text == "" {
		return "reached"
	}
	return "missed:" + text
}

func missed(r row, than string, got *float64, want float64) string {
	if got == nil || want == 0 {
		return ""
	}
	lower := r.Unit != "msg/s"
	switch {
	case lower && *got > want:
		return fmt.Sprintf(" ≤ %g × %s", want, than)
	case !lower && *got < want:
		return fmt.Sprintf(" ≥ %g × %s", want, than)
	}
	return ""
}
