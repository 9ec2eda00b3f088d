package kafka

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
	since       time.Time   // when full became true
	slow        atomic.Bool // the last time that it was full it stayed so for longer than a breather

	committed commit // what the group keeps; empty: to be committed again; guarded by member.committing
}

// over tells whether the generation was given up.
func (p *part) over() bool { return p.gen.Context().Err() != nil }

// caughtUp tells whether all that an earlier owner had finished in pieces was fetched again. What
// is between the pieces has to come before there is less to say.
func (p *part) caughtUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.past.finished) == 0 && len(p.past.waiting) == 0
}

func (p *part) isHeavy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heavy
}

// feed gives the engine what it has not got yet. It reports whether to pause fetching. The
// records are used up; those fetched together share pieces of memory.
func (p *part) feed(records []*kgo.Record) (full bool) {
	i := slices.IndexFunc(records, func(r *kgo.Record) bool { return r.Offset >= p.next })
	if i < 0 {
		return p.gen.Full()
	}
	fresh := records[i:]
	p.next = fresh[len(fresh)-1].Offset + 1
	recs, texts := make([]broker.Record, len(fresh)), newOffsets(len(fresh))
	for n := 0; len(fresh) > 0; fresh, recs = fresh[n:], recs[n:] {
		n = min(len(fresh), fedTogether)
		full = p.feedSome(fresh[:n], recs, texts)
	}
	return full
}

// fedTogether is how many entries there are at once: few enough for the stack, so that they cost no memory.
const fedTogether = 32

func (p *part) feedSome(fresh []*kgo.Record, recs []broker.Record, texts *offsets) (full bool) {
	var entries [fedTogether]entry
	for i, r := range fresh {
		e := &entries[i]
		e.Position, e.Key, e.Size, e.Value = r.Offset, r.Key, size(r), &recs[i]
		takeOver(e.Value, r, texts)
		p.past.resume(e)
	}
	return p.gen.Feed(entries[:len(fresh)]...)
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
	return &part{place: p.place, topicID: p.topicID, gen: e.Assign(p.id, pr.Next), next: pr.Next, past: past}
}
