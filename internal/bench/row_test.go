package bench

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func runs(used Usage, values ...float64) (ss []sample) {
	for _, v := range values {
		ss = append(ss, sample{[]float64{v}, 10, used})
	}
	return ss
}

func TestRatiosCompareRunsOfTheSameRound(t *testing.T) {
	t.Parallel()
	w := Workload{Name: "consume", Metrics: rate, Subjects: ours}
	rows := w.rows(&bed{s: NewRedis(nil, nil), payload: 100}, []subject{{SubjectLeat, 0}}, map[subject][]sample{
		{SubjectLeat, 0}: runs(Usage{CPU: time.Second, Allocated: 5000, PeakRSS: 7}, 50, 10, 90),
		{SubjectBare, 0}: runs(Usage{}, 100, 10, 100),
	})
	half := &Span{Median: 0.9, Min: 0.5, Max: 1}
	want := []Row{{
		Workload: "consume", Broker: "redis", Subject: "leat", Payload: 100, Messages: 10, Unit: "msg/s", Median: 50, Min: 10, Max: 90,
		ToBare: half, CPUSeconds: 1, AllocatedBytes: 500, PeakRSS: 7,
	}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestScalingComparesWithTheSmallestSize(t *testing.T) {
	t.Parallel()
	w := Workload{Name: "scale", Metrics: perOne, Subjects: ours, Sizes: sizes(1, 200)}
	subjects := Plan{}.subjects(w)
	rows := w.rows(&bed{s: NewRedis(nil, nil)}, subjects, map[subject][]sample{
		{SubjectBare, 1}: runs(Usage{}, 1), {SubjectBare, 200}: runs(Usage{}, 3),
		{SubjectLeat, 1}: runs(Usage{}, 2), {SubjectLeat, 200}: runs(Usage{}, 5),
	})
	got := map[string]float64{}
	for _, r := range rows {
		got[r.Subject+" "+Number(float64(r.Size))] = r.ToSmallest.Median
	}
	want := map[string]float64{"bare 1.00": 1, "bare 200": 3, "leat 1.00": 1, "leat 200": 2.5}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ratios to the smallest (-want +got):\n%s", diff)
	}
}

func TestIdealOfWaitingHandlers(t *testing.T) {
	t.Parallel()
	if many, few := waitingIdeal(200), waitingIdeal(20); many != 0.2 || few != 1 {
		t.Errorf("ideal of 200 keys is %v s, of 20 keys %v s, want 0.2 and 1", many, few)
	}
}
