package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// consumer feeds the engines of a group from one client. Members of a group and listeners
// of a broadcast build on it.
type consumer struct {
	b     *Broker
	log   *slog.Logger
	group broker.Group
	cl    *kgo.Client
	admin *kadm.Client

	engines map[string]*engine // by topic, fixed
	subs    map[string]*broker.Subscription

	mu    sync.Mutex
	parts map[place]*part
	fed   bool // for whoever polls

	trouble trouble
	begun   chan struct{} // closed when the client is known here
	failed  chan error    // has room for one
	moved   func()        // something was finished or parked; may be nil
	lapsed  func() bool
}

func (b *Broker) newConsumer(g *broker.Group) *consumer {
	c := &consumer{
		b: b, log: b.log.With("group", g.Name), group: *g,
		engines: map[string]*engine{}, subs: map[string]*broker.Subscription{}, parts: map[place]*part{},
		begun: make(chan struct{}), failed: make(chan error, 1), moved: func() {}, lapsed: func() bool { return false },
	}
	c.trouble.log = c.log
	for i := range c.group.Subscriptions {
		s := &c.group.Subscriptions[i]
		c.subs[s.Topic] = s
	}
	return c
}

// names are the topics of the group.
func (c *consumer) names() []string {
	names := make([]string, 0, len(c.subs))
	for name := range c.subs {
		names = append(names, name)
	}
	return names
}

// start makes the engines once the client is there. A client joins its group as soon as it
// is made, so that its first callback may come before: that one waits for begun.
func (c *consumer) start(cl *kgo.Client) {
	c.cl, c.admin = cl, kadm.NewClient(cl)
	for name, s := range c.subs {
		c.engines[name] = dispatch.New(c.engineConfig(s))
	}
	close(c.begun)
}

func (c *consumer) engineConfig(s *broker.Subscription) dispatch.Config[*broker.Record] {
	cfg := dispatch.Config[*broker.Record]{
		Concurrency: s.Concurrency, Unordered: s.Unordered,
		BatchSize: s.BatchSize, BatchWait: s.BatchWait,
		Records: s.Bounds.Records, Bytes: s.Bounds.Bytes, Span: s.Bounds.Span,
		Resume: func(g *generation) { c.resume(place{s.Topic, g.ID}, g) },
		Parked: func(it *item) { it.Value = detached(it.Value) },
		Moved:  c.moved,
	}
	if s.HandleBatch != nil {
		cfg.RunBatch = c.batchRunner(s.HandleBatch)
	} else {
		cfg.Run = c.runner(s.Handle)
	}
	return cfg
}

// runner hands items over unless the member does not know any more whether it is one.
func (c *consumer) runner(handle func(broker.Delivery)) func(*item) {
	return func(it *item) {
		if c.lapsed() {
			it.Return()
			return
		}
		handle(it)
	}
}

func (c *consumer) batchRunner(handle func([]broker.Delivery)) func([]*item) {
	return func(items []*item) {
		if c.lapsed() {
			for _, it := range items {
				it.Return()
			}
			return
		}
		ds := make([]broker.Delivery, len(items))
		for i, it := range items {
			ds[i] = it
		}
		handle(ds)
	}
}

func (c *consumer) part(at place) *part {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parts[at]
}

// owned are the partitions of this moment.
func (c *consumer) owned() []*part {
	c.mu.Lock()
	defer c.mu.Unlock()
	ps := make([]*part, 0, len(c.parts))
	for _, p := range c.parts {
		ps = append(ps, p)
	}
	return ps
}

// own starts a partition. A generation that is still there is given up.
func (c *consumer) own(p *part) {
	c.mu.Lock()
	old := c.parts[p.place]
	c.parts[p.place] = p
	c.mu.Unlock()
	if old != nil {
		old.gen.Drop()
	}
	c.fetchAgain(p.place) // what paused the former generation does not pause this one
}

// replace starts a partition where old is still the one that is owned.
func (c *consumer) replace(old, p *part) bool {
	c.mu.Lock()
	same := c.parts[old.place] == old
	if same {
		c.parts[p.place] = p
	}
	c.mu.Unlock()
	if same {
		c.fetchAgain(p.place)
	}
	return same
}

// take removes partitions; those of now on belong to nobody here.
func (c *consumer) take(lost map[string][]int32) []*part {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ps []*part
	for topic, ids := range lost {
		for _, id := range ids {
			if p, ok := c.parts[place{topic, id}]; ok {
				delete(c.parts, p.place)
				ps = append(ps, p)
			}
		}
	}
	return ps
}

// takeAll removes all partitions for which want is true.
func (c *consumer) takeAll(want func(*part) bool) []*part {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ps []*part
	for at, p := range c.parts {
		if want(p) {
			delete(c.parts, at)
			ps = append(ps, p)
		}
	}
	return ps
}

func drop(ps []*part) {
	for _, p := range ps {
		p.gen.Drop()
	}
}

// feed hands fetched records to the engines and returns the partitions that are at a bound
// now. It never waits for handlers.
func (c *consumer) feed(fs kgo.Fetches) (full []*part) {
	if !c.fed && fs.NumRecords() > 0 {
		c.fed = true
		c.fitFetches() // the first one was small
	}
	fs.EachPartition(func(f kgo.FetchTopicPartition) {
		if p := c.part(place{f.Topic, f.Partition}); p != nil && len(f.Records) > 0 && c.feedPart(p, &f) {
			full = append(full, p)
		}
	})
	return full
}

func (c *consumer) feedPart(p *part, f *kgo.FetchTopicPartition) (full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over() {
		return false // what takes its place fetches again
	}
	if f.LogStartOffset > p.next {
		c.reportGap(p.place, p.next, f.LogStartOffset)
	}
	return p.feed(f.Records)
}

// makeRoom returns when the partitions have room again, or pauses them. Those whose handlers
// are slow are paused at once, so that they hold up nobody else.
func (c *consumer) makeRoom(ctx context.Context, full []*part) {
	if len(full) == 0 {
		return
	}
	c.awaitRoom(ctx)
	within, cancel := context.WithTimeout(ctx, breather)
	defer cancel()
	for _, p := range full {
		if p.slow.Load() || p.gen.Wait(within) != nil {
			c.pause(p)
		}
	}
}

// awaitRoom returns when a partition has room. While none has, waiting holds up nobody, and
// what the client has fetched stays.
func (c *consumer) awaitRoom(ctx context.Context) {
	for ctx.Err() == nil {
		ps := c.owned()
		if len(ps) == 0 || slices.ContainsFunc(ps, func(p *part) bool { return !p.gen.Full() }) {
			return
		}
		within, cancel := context.WithTimeout(ctx, breather/5) // others may have room sooner, or be new
		_ = ps[0].gen.Wait(within)
		cancel()
	}
}

// pause stops fetching a partition that is still at a bound.
func (c *consumer) pause(p *part) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gen.Full() || p.full {
		return
	}
	p.full, p.since = true, time.Now()
	p.slow.Store(true)
	c.fitFetches()
	c.stopFetching(p)
}

// stopFetching pauses a partition. What pauses one generation does not pause the next one, which
// may have come meanwhile.
func (c *consumer) stopFetching(p *part) {
	c.cl.PauseFetchPartitions(map[string][]int32{p.topic: {p.id}})
	if c.part(p.place) != p {
		c.fetchAgain(p.place)
	}
}

func (c *consumer) reportGap(at place, from, to int64) {
	c.log.Warn("messages were deleted before they were handled: the topic's retention is shorter than the group's lag",
		"topic", at.topic, "partition", at.id, "lost_from", from, "lost_to", to-1)
	if c.startOf(at.topic) == broker.StartNone {
		c.fail(fmt.Errorf("group %s, topic %s, partition %d: offset %d was deleted: %w", c.group.Name, at.topic, at.id, from, broker.ErrNoStart))
	}
}

// resume is the engine's word that there is room again.
func (c *consumer) resume(at place, g *generation) {
	p := c.part(at)
	if p == nil || p.gen != g {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.full {
		return
	}
	p.full = false
	p.slow.Store(time.Since(p.since) > breather)
	c.fitFetches()
	if !p.heavy {
		c.fetchAgain(at)
	}
}

// weigh pauses a partition whose commit has no room for what is finished in pieces, until it has.
func (c *consumer) weigh(p *part, heavy bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heavy == heavy {
		return
	}
	p.heavy = heavy
	switch {
	case heavy:
		c.stopFetching(p)
	case !p.full:
		c.fetchAgain(p.place)
	}
}

func (c *consumer) fetchAgain(at place) {
	c.cl.ResumeFetchPartitions(map[string][]int32{at.topic: {at.id}})
}

// startOf is where a group begins in a topic that it has no position in.
func (c *consumer) startOf(topic string) broker.Start {
	return c.b.startOr(c.subs[topic].Start)
}

// startOr is s, or what kafka.auto_offset_reset says.
func (b *Broker) startOr(s broker.Start) broker.Start {
	if s != broker.StartDefault {
		return s
	}
	switch b.cfg.AutoOffsetReset {
	case "latest":
		return broker.StartLatest
	case "none":
		return broker.StartNone
	default:
		return broker.StartEarliest
	}
}

// fail tells the owner that this member is over.
func (c *consumer) fail(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

func (c *consumer) drain(ctx context.Context) {
	var wg sync.WaitGroup
	for _, e := range c.engines {
		wg.Go(func() { e.Drain(ctx) })
	}
	wg.Wait()
}

func (c *consumer) closeEngines() {
	for _, e := range c.engines {
		e.Close()
	}
}

// dataLoss goes back to where the log goes on after the servers lost a part of it.
func (c *consumer) dataLoss(err error) bool {
	loss, ok := errors.AsType[*kgo.ErrDataLoss](err)
	if !ok {
		return false
	}
	at := place{loss.Topic, loss.Partition}
	c.log.Error("the servers lost messages", "topic", at.topic, "partition", at.id, "from", loss.ResetTo, "to", loss.ConsumedTo)
	p := c.part(at)
	if p == nil {
		return true
	}
	c.own(&part{place: at, topicID: p.topicID, gen: c.engines[at.topic].Assign(at.id, loss.ResetTo), next: loss.ResetTo})
	c.cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{at.topic: {at.id: {Epoch: -1, Offset: loss.ResetTo}}})
	return true
}

// trouble says each thing that goes on being wrong once in a while.
type trouble struct {
	log  *slog.Logger
	mu   sync.Mutex
	said map[string]time.Time
}

const sayAgain = 30 * time.Second

func (t *trouble) say(msg string, args ...any) {
	key := fmt.Sprint(append([]any{msg}, args...)...)
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, ok := t.said[key]; ok && time.Since(last) < sayAgain {
		return
	}
	if t.said == nil {
		t.said = map[string]time.Time{}
	}
	t.said[key] = time.Now()
	t.log.Error(msg, args...)
}
