package main

import (
	"slices"
	"time"
)

// row is one subject's outcome of one workload.
type row struct {
	Workload       string   `json:"workload"`
	Broker         string   `json:"broker"`
	Subject        string   `json:"subject"`
	Payload        int      `json:"payload"`
	Messages       int      `json:"messages"`
	Unit           string   `json:"unit"`
	Median         float64  `json:"median"`
	Min            float64  `json:"min"`
	Max            float64  `json:"max"`
	RatioToBare    *span    `json:"-"`
	RatioToStock   *span    `json:"-"`
	ToBare         *float64 `json:"ratio_to_bare"`
	ToStock        *float64 `json:"ratio_to_stock"`
	ToIdeal        *float64 `json:"ratio_to_ideal,omitzero"`
	CPUSeconds     float64  `json:"cpu_seconds"`
	AllocatedBytes float64  `json:"allocated_bytes_per_message"`
	PeakRSS        int64    `json:"peak_rss"`
}

// span is the median of ratios of single rounds, and how far they spread.
type span struct{ median, low, high float64 }

// rows turns samples into the rows of each metric.
func (w workload) rows(b *bed, samples map[string][]sample) (rs []row) {
	for i, m := range w.metrics {
		for _, subject := range w.subjects {
			if len(samples[subject]) > 0 {
				rs = append(rs, w.row(b, samples, subject, i, m))
			}
		}
	}
	return rs
}

func (w workload) row(b *bed, samples map[string][]sample, subject string, i int, m metric) row {
	own := samples[subject]
	v := spread(column(own, i))
	r := row{
		Workload: w.name, Broker: b.s.name(), Subject: subject, Payload: b.payload, Messages: own[0].n, Unit: m.unit,
		Median: v.median, Min: v.low, Max: v.high, CPUSeconds: median(cpuSeconds(own)),
		AllocatedBytes: median(allocated(own)), PeakRSS: int64(median(rss(own))),
	}
	if m.name != "" {
		r.Workload += "-" + m.name
	}
	r.RatioToBare, r.ToBare = ratio(column(own, i), column(samples["bare"], i))
	r.RatioToStock, r.ToStock = ratio(column(own, i), column(samples["stock"], i))
	if w.ideal > 0 {
		ideal := v.median / w.ideal
		r.ToIdeal = &ideal
	}
	return r
}

func column(ss []sample, i int) []float64 {
	vs := make([]float64, len(ss))
	for k, s := range ss {
		vs[k] = s.values[i]
	}
	return vs
}

func cpuSeconds(ss []sample) (vs []float64) {
	for _, s := range ss {
		vs = append(vs, s.cpu.Seconds())
	}
	return vs
}

func allocated(ss []sample) (vs []float64) {
	for _, s := range ss {
		vs = append(vs, float64(s.allocated)/float64(s.n))
	}
	return vs
}

func rss(ss []sample) (vs []float64) {
	for _, s := range ss {
		vs = append(vs, float64(s.rss))
	}
	return vs
}

// ratio compares the runs of the same round with each other: what disturbs the machine for
// longer than a round disturbs both.
func ratio(own, other []float64) (*span, *float64) {
	if len(own) != len(other) || len(own) == 0 {
		return nil, nil
	}
	vs := make([]float64, len(own))
	for i := range own {
		vs[i] = own[i] / other[i]
	}
	s := spread(vs)
	return &s, &s.median
}

func spread(vs []float64) span {
	return span{median(vs), slices.Min(vs), slices.Max(vs)}
}

func median(vs []float64) float64 {
	vs = slices.Sorted(slices.Values(vs))
	mid := len(vs) / 2
	if len(vs)%2 == 1 {
		return vs[mid]
	}
	return (vs[mid-1] + vs[mid]) / 2
}

// microseconds of CPU time for each message.
func (r row) cpuPerMessage() time.Duration {
	return time.Duration(r.CPUSeconds / float64(r.Messages) * float64(time.Second))
}
