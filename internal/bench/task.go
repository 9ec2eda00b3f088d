package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/topics"
)

// Task is one run of one subject.
type Task struct {
	Subject  string
	Size     int // of a workload that scales, else 0
	Messages int
	// Used is what was consumed when that was not this process.
	Used *Usage

	bed    *bed
	driver Driver
	format topics.Format
	full   int // messages of the topics to read, of which stock adapters take a part
	topics []string
	parts  int      // of each topic
	sparse []string // topics like these with one message each
}

// limit bounds a run.
func (t *Task) limit() time.Duration {
	return 90*time.Second + time.Duration(max(t.full, t.Size))*100*time.Microsecond
}

// bed is a server with topics that were filled for reading.
type bed struct {
	s       Server
	prefix  string // of the names of topics and groups
	payload int
	parts   int // of ordinary topics
	filled  map[string]filled
	serial  int
}

type filled struct {
	topics []string
	parts  int
}

// unique returns a name that was not used before.
func (b *bed) unique(name string) string {
	b.serial++
	return fmt.Sprintf("%s-%s-%d-%d", b.prefix, name, b.payload, b.serial)
}

// filling is how messages are spread over topics, partitions and keys.
type filling struct{ topics, parts, keys int }

// ordinary is a topic with events on many keys.
func ordinary(ctx context.Context, t *Task) error {
	return t.fill(ctx, filling{topics: 1, parts: t.bed.parts, keys: ordinaryKeys})
}

// inOnePartition is a topic as Watermill's adapter for Redis knows it, which is one stream. In ordinary ones it
// works on several streams with a handler for each.
func inOnePartition(ctx context.Context, t *Task) error {
	return t.fill(ctx, filling{topics: 1, parts: 1, keys: ordinaryKeys})
}

// fill makes topics with as many events as the task wants, unless there are such topics.
func (t *Task) fill(ctx context.Context, f filling) error {
	name := fmt.Sprintf("%s-source%s-%d-%d-%d-%d-%d", t.bed.prefix, t.format, t.bed.payload, f.topics, f.parts, f.keys, t.full)
	have, ok := t.bed.filled[name]
	if !ok {
		have.parts = f.parts
		for i := range f.topics {
			have.topics = append(have.topics, fmt.Sprintf("%s-%d", name, i))
		}
		t.bed.filled[name] = have // what fails half way is dropped too
		if err := t.pour(ctx, have.topics, f); err != nil {
			return err
		}
	}
	t.topics, t.parts = have.topics, have.parts
	return nil
}

func (t *Task) pour(ctx context.Context, topics []string, f filling) error {
	s := newStream(t.bed.payload, f.keys)
	for i, name := range topics {
		topic := Topic{name, f.parts, t.format}
		n := t.full*(i+1)/len(topics) - s.next
		if err := t.pourInto(ctx, topic, s, n); err != nil {
			return fmt.Errorf("fill %s: %w", name, err)
		}
	}
	return nil
}

func (t *Task) pourInto(ctx context.Context, topic Topic, s *stream, n int) error {
	if err := t.bed.s.Create(ctx, topic.Name, topic.Partitions); err != nil {
		return err
	}
	p, err := t.bed.s.Drivers()[SubjectLeat].Publisher(ctx, topic)
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // everything was acknowledged
	for n > 0 {
		es := s.take(min(n, 10_000))
		if err := publishBatches(ctx, p, es); err != nil {
			return err
		}
		n -= len(es)
	}
	return nil
}

// drop removes the topics that were filled.
func (b *bed) drop(ctx context.Context) {
	for _, f := range b.filled {
		b.s.Drop(ctx, f.parts, f.topics...)
	}
	clear(b.filled)
}
