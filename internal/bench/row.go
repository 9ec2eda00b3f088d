package bench

import (
	"encoding/json"
	"slices"
	"time"
)

// Row is one subject's outcome of one workload.
type Row struct {
	Workload       string  `json:"workload"`
	Broker         string  `json:"broker"`
	Subject        string  `json:"subject"`
	Size           int     `json:"size,omitzero"` // of a workload that scales
	Payload        int     `json:"payload"`
	Messages       int     `json:"messages"`
	Unit           string  `json:"unit"`
	Lower          bool    `json:"lower_is_better"`
	Median         float64 `json:"median"`
	Min            float64 `json:"min"`
	Max            float64 `json:"max"`
	ToBare         *Span   `json:"ratio_to_bare"`
	ToStock        *Span   `json:"ratio_to_stock"`
	ToJSON         *Span   `json:"ratio_to_json,omitzero"`
	ToLabelled     *Span   `json:"ratio_to_labelled,omitzero"`
	ToSmallest     *Span   `json:"ratio_to_smallest,omitzero"`
	ToIdeal        *Span   `json:"ratio_to_ideal,omitzero"`
	CPUSeconds     float64 `json:"cpu_seconds"`
	AllocatedBytes float64 `json:"allocated_bytes_per_message"`
	PeakRSS        int64   `json:"peak_rss"` // of all rounds
}

// Span is the median of ratios of single rounds, and how far they spread.
type Span struct{ Median, Min, Max float64 }

// MarshalJSON writes the median alone.
func (s *Span) MarshalJSON() ([]byte, error) { return json.Marshal(s.Median) }

// rows turns samples into the rows of each metric.
func (w Workload) rows(b *bed, subjects []subject, samples map[subject][]sample) (rs []Row) {
	for i, m := range w.Metrics {
		for _, who := range subjects {
			rs = append(rs, w.row(b, samples, who, i, m))
		}
	}
	return rs
}

func (w Workload) row(b *bed, samples map[subject][]sample, who subject, i int, m Metric) Row {
	own := samples[who]
	v := spread(column(own, i))
	r := Row{
		Workload: w.Name, Broker: b.s.Name(), Subject: who.name, Size: who.size, Payload: b.payload, Messages: own[0].messages, Unit: m.Unit, Lower: m.Lower,
		Median: v.Median, Min: v.Min, Max: v.Max,
		CPUSeconds:     median(each(own, func(s sample) float64 { return s.used.CPU.Seconds() })),
		AllocatedBytes: median(each(own, func(s sample) float64 { return float64(s.used.Allocated) / float64(s.messages) })),
		PeakRSS:        int64(slices.Max(each(own, func(s sample) float64 { return float64(s.used.PeakRSS) }))),
	}
	if m.Name != "" {
		r.Workload += "-" + m.Name
	}
	to := func(name string, size int) *Span {
		return ratio(column(own, i), column(samples[subject{name, size}], i))
	}
	r.ToBare, r.ToStock = to(SubjectBare, who.size), to(SubjectStock, who.size)
	r.ToJSON, r.ToLabelled = to(SubjectJSON, who.size), to(SubjectLabelled, who.size)
	if w.Sizes != nil {
		r.ToSmallest = to(who.name, w.smallest(samples, who.name))
	}
	if w.Ideal > 0 {
		r.ToIdeal = &Span{v.Median / w.Ideal, v.Min / w.Ideal, v.Max / w.Ideal}
	}
	return r
}

func (w Workload) smallest(samples map[subject][]sample, name string) int {
	least := 0
	for s := range samples {
		if s.name == name && (least == 0 || s.size < least) {
			least = s.size
		}
	}
	return least
}

func each(ss []sample, f func(sample) float64) []float64 {
	vs := make([]float64, len(ss))
	for k, s := range ss {
		vs[k] = f(s)
	}
	return vs
}

func column(ss []sample, i int) []float64 {
	return each(ss, func(s sample) float64 { return s.values[i] })
}

// ratio compares the runs of the same round with each other; nil with a subject that did not run.
func ratio(own, other []float64) *Span {
	if len(own) != len(other) || len(own) == 0 {
		return nil
	}
	vs := make([]float64, len(own))
	for i := range own {
		vs[i] = own[i] / other[i]
	}
	s := spread(vs)
	return &s
}

func spread(vs []float64) Span { return Span{median(vs), slices.Min(vs), slices.Max(vs)} }

func median(vs []float64) float64 {
	vs = slices.Sorted(slices.Values(vs))
	mid := len(vs) / 2
	if len(vs)%2 == 1 {
		return vs[mid]
	}
	return (vs[mid-1] + vs[mid]) / 2
}

// CPUPerMessage is this process's, not the broker's.
func (r Row) CPUPerMessage() time.Duration {
	return time.Duration(r.CPUSeconds / float64(r.Messages) * float64(time.Second))
}
