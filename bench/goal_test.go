package main

import (
	"strings"
	"testing"

	"github.com/leat-go/leat/internal/bench"
)

func TestEveryWorkloadHasAGoalAndEveryGoalAWorkload(t *testing.T) {
	known := map[string]bool{}
	for _, w := range append(bench.Workloads(), starting()) {
		for _, m := range w.Metrics {
			r := bench.Row{Workload: w.Name, Broker: "kafka", Subject: bench.SubjectLeat}
			if m.Name != "" {
				r.Workload += "-" + m.Name
			}
			known[r.Workload] = true
			if goalOf(r) == (goal{}) {
				t.Errorf("%s has no goal", r.Workload)
			}
		}
	}
	for name := range goals {
		if workload, _, _ := strings.Cut(name, "/"); !known[workload] {
			t.Errorf("the goal %s is of no workload", name)
		}
	}
}

func TestVerdicts(t *testing.T) {
	ratio := func(v float64) *bench.Span { return &bench.Span{Median: v} }
	for _, tt := range []struct {
		name string
		row  bench.Row
		want string
	}{
		{"reached", bench.Row{Workload: "pipeline", Broker: "kafka", ToBare: ratio(0.7), ToStock: ratio(15)}, "reached"},
		{"both missed", bench.Row{Workload: "pipeline", Broker: "kafka", ToBare: ratio(0.69), ToStock: ratio(14)}, "missed: ≥ 0.7 × bare, ≥ 15 × stock"},
		{"the broker's own goal", bench.Row{Workload: "consume-typed-1", Broker: "redis", ToBare: ratio(1), ToStock: ratio(14)}, "missed: ≥ 15 × stock"},
		{"less is better", bench.Row{Workload: "join", Lower: true, ToBare: ratio(1.3)}, "missed: ≤ 1.2 × bare"},
		{"size", bench.Row{Workload: "scale-keys", Lower: true, ToSmallest: ratio(1.3)}, "missed: ≤ 1.25 × the smallest"},
		{"value", bench.Row{Workload: "start", Lower: true, Unit: "ms", Median: 301}, "missed: ≤ 300 ms"},
		{"memory", bench.Row{Workload: "join", Lower: true, ToBare: ratio(1), PeakRSS: 201_000_000}, "missed: ≤ 200 MB of memory"},
		{"alone", bench.Row{Workload: "pipeline", Broker: "kafka", ToBare: ratio(1)}, "open: not compared with stock"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.row.Subject = bench.SubjectLeat
			if got := verdict(tt.row); got != tt.want {
				t.Errorf("verdict = %q, want %q", got, tt.want)
			}
		})
	}
	if got := verdict(bench.Row{Workload: "pipeline", Subject: bench.SubjectBare, ToBare: ratio(0.1)}); got != "" {
		t.Errorf("a verdict on bare: %q", got)
	}
}
