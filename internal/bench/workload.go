package bench

import (
	"context"

	"github.com/leat-go/leat/topics"
)

// Metric is what a workload yields.
type Metric struct {
	Name  string // added to the workload's, "" when there is only one
	Unit  string
	Lower bool // less is better
}

// The names of subjects. JSON is leat with JSON, beside which leat uses another format.
const (
	SubjectBare  = "bare"
	SubjectLeat  = "leat"
	SubjectStock = "stock"
	SubjectJSON  = "json"
	// SubjectLabelled is bare with the headers that leat gives its messages. Servers that have no such driver do
	// without it.
	SubjectLabelled = "labelled"
)

// Workload is one thing that every subject does.
type Workload struct {
	Name     string
	Metrics  []Metric
	Scale    float64 // messages, as a part of Plan.Messages
	More     int     // times as many rounds, where one says little; 0 is 1
	Slow     float64 // what stock adapters get of those, since they take many times as long
	Payloads []int   // nil: all
	Subjects []string
	Sizes    func(p Plan) []int                       // of a workload that scales, smallest first
	Ideal    float64                                  // what no implementation can beat, 0 where that is unknown
	Format   topics.Format                            // of leat's topics
	Source   func(ctx context.Context, t *Task) error // fills the topics that are read, nil without
	Run      func(ctx context.Context, t *Task) ([]float64, error)
}

const (
	ordinaryPartitions = 6
	ordinaryKeys       = 1000
)

var (
	rate     = []Metric{{Unit: "msg/s"}}
	seconds  = []Metric{{Unit: "s", Lower: true}}
	perOne   = []Metric{{Unit: "µs/msg", Lower: true}}
	everyone = []string{SubjectBare, SubjectLeat, SubjectStock}
	writers  = []string{SubjectBare, SubjectLabelled, SubjectLeat, SubjectStock}
	ours     = []string{SubjectBare, SubjectLeat}
	small    = []int{100}
)

// Workloads are all that run on a broker.
func Workloads() []Workload {
	return append(ordinaryWorkloads(), scalingWorkloads()...)
}

func ordinaryWorkloads() []Workload {
	return []Workload{
		{Name: "publish-one", Metrics: rate, Scale: 0.03, More: 4, Slow: 1, Subjects: everyone, Run: publishing(publishOne)},
		{Name: "publish-64", Metrics: rate, Scale: 1, Slow: 0.3, Subjects: writers, Run: publishing(publishMany)},
		{Name: "publish-batch", Metrics: rate, Scale: 4, Slow: 0.0125, Subjects: writers, Run: publishing(publishBatches)},
		{Name: "consume-typed", Metrics: rate, Scale: 4, Slow: 0.05, Subjects: everyone, Source: ordinary, Run: reading(Typed)},
		{Name: "consume-raw", Metrics: rate, Scale: 4, Slow: 0.05, Subjects: everyone, Source: ordinary, Run: reading(Raw)},
		{Name: "pipeline", Metrics: rate, Scale: 4, Slow: 0.005, Subjects: writers, Source: ordinary, Run: reading(Work)},
		{Name: "pipeline-batch", Metrics: rate, Scale: 4, Subjects: []string{SubjectBare, SubjectLabelled, SubjectLeat}, Source: ordinary, Run: reading(Batch)},
		{Name: "consume-typed-1", Metrics: rate, Scale: 4, Slow: 0.05, Subjects: everyone, Source: inOnePartition, Run: reading(Typed)},
		{Name: "pipeline-1", Metrics: rate, Scale: 4, Slow: 0.005, Subjects: everyone, Source: inOnePartition, Run: reading(Work)},
		{Name: "plain-handler", Metrics: rate, Scale: 4, Slow: 0.1, Subjects: []string{SubjectLeat, SubjectStock}, Source: ordinary, Run: reading(Plain)},
		{Name: "plain-pipeline", Metrics: rate, Scale: 4, Slow: 0.005, Subjects: everyone, Source: ordinary, Run: reading(PlainWork)},
		{Name: "consume-avro", Metrics: rate, Scale: 4, Subjects: []string{SubjectJSON, SubjectLeat}, Format: topics.Avro, Source: ordinary, Run: reading(Typed)},
		{Name: "pipeline-avro", Metrics: rate, Scale: 4, Subjects: []string{SubjectJSON, SubjectLeat}, Format: topics.Avro, Source: ordinary, Run: reading(Work)},
		{Name: "key-concurrency-200", Metrics: seconds, Payloads: small, Subjects: ours, Ideal: waitingIdeal(200), Source: waiting(200), Run: keyConcurrency},
		{Name: "key-concurrency-20", Metrics: seconds, Payloads: small, Subjects: ours, Ideal: waitingIdeal(20), Source: waiting(20), Run: keyConcurrency},
		{
			Name: "latency", Metrics: []Metric{{"p50", "ms", true}, {"p99", "ms", true}},
			Scale: 0.03, Slow: 1, Payloads: small, Subjects: everyone, Run: latency,
		},
		{Name: "join", Metrics: []Metric{{Unit: "ms", Lower: true}}, Scale: 0.1, Payloads: small, Subjects: ours, Source: ordinary, Run: join},
	}
}

// fewWaiting is the smallest number of messages waiting.
const fewWaiting = 10_000

func scalingWorkloads() []Workload {
	ws := []Workload{
		{Name: "scale-waiting", Source: scaling(byWaiting), Sizes: func(p Plan) []int { return []int{fewWaiting, p.mostWaiting()} }},
		{Name: "scale-partitions", Source: scaling(byPartitions), Sizes: sizes(1, 200)},
		{Name: "scale-handlers", Source: scaling(byHandlers), Sizes: sizes(1, manyHandlers)},
		{Name: "scale-keys", Source: scaling(byKeys), Sizes: sizes(1, 100_000)},
	}
	for i := range ws {
		ws[i].Metrics, ws[i].Scale, ws[i].Payloads, ws[i].Subjects, ws[i].Run = perOne, 4, small, ours, perMessage
	}
	return ws
}

func sizes(s ...int) func(Plan) []int { return func(Plan) []int { return s } }

// messages returns how many messages a subject gets.
func (w Workload) messages(base int, payload int, subject string) int {
	n := float64(base) * w.Scale
	if payload > 500 {
		n /= 2
	}
	if subject == SubjectStock {
		n *= w.Slow
	}
	return max(int(n), 500)
}
