package kafka

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

type (
	engine     = dispatch.Engine[*broker.Record]
	generation = dispatch.Partition[*broker.Record]
	item       = dispatch.Item[*broker.Record]
	entry      = dispatch.Entry[*broker.Record]
)

// place is a partition of a topic.
type place struct {
	topic string
	id    int32
}

// commit is a position in a partition as the group keeps it.
type commit struct {
	offset   int64
	metadata string
}

// part is one generation of a partition that this process owns.
type part struct {
	place
	topicID [16]byte
	gen     *generation

	mu   sync.Mutex
	next int64    // what comes before was fed
	past progress // what an earlier owner left behind
	// Why fetching pauses: a bound of the engine, or more finished in pieces than a commit
	// can say.
	full, heavy bool

	committed commit // what the group keeps; guarded by member.committing
}

// feed gives the engine what it has not got yet. It reports whether to pause fetching.
func (p *part) feed(records []*kgo.Record) (full bool) {
	entries := make([]entry, 0, len(records))
	for _, r := range records {
		if r.Offset >= p.next {
			entries = append(entries, p.entry(r))
			p.next = r.Offset + 1
		}
	}
	return p.gen.Feed(entries...)
}

func (p *part) entry(r *kgo.Record) entry {
	e := entry{Position: r.Offset, Key: string(r.Key), Size: size(r), Value: fromKafka(r)}
	p.past.resume(&e)
	return e
}

// progress is what the next owner has to know.
func (p *part) progress() dispatch.Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr := p.gen.Progress()
	p.past.missing(&pr)
	return pr
}

// successor carries on where this generation is: it was stopped, and nobody else has owned
// the partition since.
func (p *part) successor(e *engine) *part {
	pr := p.progress()
	past := progress{topicID: p.topicID, finished: pr.Finished, waiting: map[int64]dispatch.Waiting{}}
	for _, w := range pr.Waiting {
		past.waiting[w.Position] = w
	}
	return &part{place: p.place, topicID: p.topicID, gen: e.Assign(p.id, pr.Next), next: pr.Next, past: past, committed: p.committed}
}
