package stock

import (
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
)

// job is a record that waits to be published.
type job struct {
	rec      *broker.Record
	done     func(broker.Receipt, error)
	deadline time.Time
}

// late tells that another attempt after wait would be too late.
func (j *job) late(wait time.Duration) bool {
	return !j.deadline.IsZero() && time.Until(j.deadline) < wait
}

// line is a queue without a bound for one worker.
type line struct {
	mu   sync.Mutex
	jobs []job
	news chan struct{}
}

func newLine() *line { return &line{news: make(chan struct{}, 1)} }

func (l *line) put(j job) {
	l.mu.Lock()
	l.jobs = append(l.jobs, j)
	l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// take waits for the next job; false when closed comes first.
func (l *line) take(closed <-chan struct{}) (job, bool) {
	for {
		select {
		case <-closed:
			return job{}, false
		default:
		}
		if j, ok := l.first(); ok {
			return j, true
		}
		select {
		case <-l.news:
		case <-closed:
		}
	}
}

func (l *line) first() (job, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.jobs) == 0 {
		return job{}, false
	}
	j := l.jobs[0]
	l.jobs[0] = job{}
	l.jobs = l.jobs[1:]
	return j, true
}

// rest takes what no worker will.
func (l *line) rest() []job {
	l.mu.Lock()
	defer l.mu.Unlock()
	jobs := l.jobs
	l.jobs = nil
	return jobs
}
