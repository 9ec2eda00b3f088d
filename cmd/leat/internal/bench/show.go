package bench

import (
	"strconv"
	"time"

	"github.com/leat-go/leat/cmd/cli"
	"github.com/leat-go/leat/internal/bench"
)

// row is one subject's outcome of one workload.
type row struct {
	Workload       string      `json:"workload"`
	Subject        string      `json:"subject"`
	Median         float64     `json:"median"`
	Min            float64     `json:"min"`
	Max            float64     `json:"max"`
	Unit           string      `json:"unit"`
	ToBare         *bench.Span `json:"ratio_to_bare"`
	CPU            float64     `json:"cpu_microseconds_per_message"`
	AllocatedBytes float64     `json:"allocated_bytes_per_message"`
	Broker         string      `json:"broker"`
	Payload        int         `json:"payload"`
	Messages       int         `json:"messages"`
}

func show(c cli.Call, rs []bench.Row) error {
	rows, cells := make([]row, len(rs)), make([][]string, len(rs))
	for i, r := range rs {
		cpu := r.CPUPerMessage()
		rows[i] = row{
			r.Workload, r.Subject, r.Median, r.Min, r.Max, r.Unit, r.ToBare, float64(cpu) / float64(time.Microsecond), r.AllocatedBytes,
			r.Broker, r.Payload, r.Messages,
		}
		cells[i] = []string{
			r.Workload, r.Subject, r.Value(), r.ToBare.String(), cpu.Round(10 * time.Nanosecond).String(), strconv.Itoa(int(r.AllocatedBytes)) + " B",
		}
	}
	return c.Print(rows, []string{"workload", "subject", "median_(min–max)", "to_bare_(min–max)", "cpu/msg", "alloc/msg"}, cells)
}
