package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker/dispatch"
)

// rewind is how far before the last known id a group is created again after the server was
// replaced: ids are the clock of the server.
const rewind = time.Minute

// reader reads a partition for its owner: first what is pending in the group, which earlier
// owners left or whose delivery got lost on the way, then what is new.
type reader struct {
	o       *owner
	kick    chan struct{}
	state   map[string]string // attempts that earlier owners noted
	history bool              // pending entries may be left to read
	backlog bool              // the last read brought all that it asked for
	avg     int               // bytes of an entry
	feeding feeding           // of the read at hand
	doubt   atomic.Bool       // another server may have taken over
	trouble atomic.Pointer[error]

	mu     sync.Mutex
	run    string  // of the server whose clock the ids are
	resume entryID // finished up to here, by an earlier owner in this process
	known  entryID // the group had been read up to here when this owner began
	last   entryID // fed or finished up to here
	former entryID // the last of a server that is gone
	open   window  // fed and not finished
}

// init begins where an earlier owner in this process ended; run is the server's.
func (r *reader) init(o *owner, from mark, run string) {
	r.o, r.history, r.kick = o, true, make(chan struct{}, 1)
	r.resume, r.run = from.id, cmp.Or(from.run, run)
}

func (r *reader) loop(ctx context.Context) {
	s, done := r.o.in.m.wakes.sleeper(ctx, r.o.keys.stream)
	defer done()
	if !r.prepare(ctx) {
		return
	}
	wait := firstBackoff
	for r.o.part.Wait(ctx) == nil && ctx.Err() == nil {
		err := r.step(ctx, s)
		r.trouble.Store(&err)
		if err == nil {
			wait = firstBackoff
			continue
		}
		if ctx.Err() != nil || !r.mend(ctx, err) || pause(ctx, wait) != nil {
			return
		}
		if wait = min(2*wait, maxBackoff); wait == maxBackoff {
			r.o.log.Warn("reading from redis waits", "error", err)
		}
	}
}

// prepare reads what earlier owners left beside the stream, however often it takes.
func (r *reader) prepare(ctx context.Context) bool {
	for wait := firstBackoff; ; wait = min(2*wait, maxBackoff) {
		err := r.load(ctx)
		if err == nil {
			return true
		}
		r.o.in.m.failIf(ctx, hopeless(err), r.o.keys.stream, err)
		if pause(ctx, wait) != nil {
			return false
		}
	}
}

func (r *reader) load(ctx context.Context) (err error) {
	if r.state, err = r.o.client().HGetAll(ctx, r.o.keys.state).Result(); err != nil {
		return err
	}
	if len(r.state) > 0 {
		r.o.acks.noted.Store(true)
	}
	id, ok, err := r.o.in.m.lastDelivered(ctx, r.o.keys.stream)
	if err == nil && ok {
		r.mu.Lock()
		r.known = id
		r.mu.Unlock()
	}
	return err
}

// step reads once and feeds what came.
func (r *reader) step(ctx context.Context, s *sleeper) error {
	if err := r.reconcile(ctx); err != nil {
		return err
	}
	from, history, count := ">", r.history, r.count()
	if history {
		from = r.fed().String()
	}
	n, err := r.read(ctx, from, count)
	if err != nil {
		r.history = true // the answer may have got lost on the way
		r.doubtful()
		return err
	}
	r.backlog = n == count
	if n > 0 {
		s.busy()
	}
	switch {
	case history && n == 0:
		r.caughtUp()
	case !history && n < count: // there was no more
		s.sleep(ctx, r.fed().String(), r.kick)
	}
	return nil
}

// read asks for entries after from and feeds them. It returns how many there were.
func (r *reader) read(ctx context.Context, from string, count int) (int, error) {
	if r.o.left() <= 0 {
		return 0, errExpired
	}
	p := newPage()
	defer p.free()
	if err := r.ask(ctx, p, from, count); err != nil {
		return 0, err
	}
	if p.failed() {
		return r.readAgain(ctx, from, count)
	}
	if n, ok := p.number(); ok {
		return 0, fenced(int64(n), nil)
	}
	f := r.feeding.begin(r, from != ">")
	if err := p.each(f.add); err != nil {
		return 0, err
	}
	return f.feed(), nil
}

func (r *reader) ask(ctx context.Context, p *page, from string, count int) error {
	if r.backlog {
		if done, err := r.readBacklog(ctx, p, from, count); done || err != nil {
			return err
		}
	}
	return r.o.client().Process(ctx, redis.NewRawWriteToCmd(ctx, p, r.command(from, count)...))
}

func (r *reader) command(from string, count int) []any {
	o := r.o
	return []any{
		"evalsha", readScript.Hash(), 2, o.keys.lease, o.keys.stream,
		o.token, o.in.m.group.Name, o.consumer, count, from,
	}
}

// readAgain reads after an error by the slower means of the client, which load the script
// and go where a cluster sends them.
func (r *reader) readAgain(ctx context.Context, from string, count int) (int, error) {
	answer, err := readScript.Run(ctx, r.o.client(), []string{r.o.keys.lease, r.o.keys.stream}, r.command(from, count)[5:]...).Result()
	if err := fenced(answer, err); err != nil {
		return 0, err
	}
	entries, err := parseEntries(answer)
	if err != nil {
		return 0, err
	}
	f := r.feeding.begin(r, from != ">")
	for i := range entries {
		f.add(&entries[i])
	}
	return f.feed(), nil
}

// count is how many entries to read at once: fewer when they are large.
func (r *reader) count() int {
	in := r.o.in
	n := in.m.b.cfg.MaxPollRecords
	if b := in.sub.Bounds.Records; b > 0 {
		n = min(n, b)
	}
	if r.o.competes() { // leave some to the others
		n = min(n, max(2*in.sub.Concurrency, 10))
	}
	bytes := in.sub.Bounds.Bytes
	if bytes <= 0 {
		bytes = dispatch.DefaultBytes
	}
	if r.avg == 0 {
		return max(min(n, 50), 1)
	}
	return max(min(n, int(bytes/4)/r.avg), 1)
}

// close forgets a finished entry. It reports false when that was not open.
func (r *reader) close(position int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open.remove(position)
}

func (r *reader) openID(position int64) (entryID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open.get(position)
}

// closeFinished forgets everything that is finished and returns the ids.
func (r *reader) closeFinished(pr dispatch.Progress) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, id := range r.open.all {
		if p < pr.Next || within(p, pr.Finished) {
			ids = append(ids, id.String())
			r.open.remove(p)
		}
	}
	return ids
}

func within(p int64, runs []dispatch.Run) bool {
	for _, r := range runs {
		if r.From <= p && p <= r.To {
			return true
		}
	}
	return false
}

func (r *reader) fed() entryID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// caughtUp notes that everything that was pending is fed.
func (r *reader) caughtUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history, r.last = false, later(r.last, r.known)
}

// done is the id up to which everything is finished.
func (r *reader) done() mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := later(r.last, r.resume)
	for _, id := range r.open.all {
		if id.compare(done) <= 0 {
			done = id.before()
		}
	}
	return mark{done, r.run}
}

// mend does what an error of reading asks for. It reports false when the partition is lost.
func (r *reader) mend(ctx context.Context, err error) bool {
	switch {
	case errors.Is(err, errVanished):
		err = r.o.retake(ctx)
	case noGroup(err):
		err = r.recreate(ctx)
	}
	switch {
	case errors.Is(err, errLost) || errors.Is(err, errExpired):
		r.o.lose(err)
		return false
	case hopeless(err):
		r.o.in.m.fail(ctx, fmt.Errorf("read %s: %w", r.o.keys.stream, explain(err)))
		return false
	}
	return true
}

// recreate creates the group again after it vanished with the server's data. What is
// finished on this side is not read again unless the server's clock may be another.
func (r *reader) recreate(ctx context.Context) error {
	m, s := r.o.in.m, r.o.keys.stream
	done, run := r.done(), m.b.runID(ctx, s)
	from := done.id
	if done.run != run {
		from = from.earlier(rewind)
	}
	if newest, err := m.b.lastEntry(ctx, s); err != nil {
		return err
	} else if newest.compare(from) < 0 && newest != (entryID{}) {
		from = entryID{}
	}
	if err := m.createGroup(ctx, s, from.String()); err != nil {
		return err
	}
	r.goOn(from, run)
	r.o.log.Warn("group was gone from redis and is created again", "stream", s, "from", from.String())
	return nil
}

// goOn adopts the position of a group that was created again. Ids of another clock, and
// those that other members may have had, tell nothing about what is finished.
func (r *reader) goOn(from entryID, run string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run != run || from == (entryID{}) || r.o.competes() {
		r.last = from
	}
	r.history, r.known, r.run = false, from, run
}

// lastEntry is the id of the newest entry of a stream, zero when there is none.
func (b *Broker) lastEntry(ctx context.Context, stream string) (entryID, error) {
	es, err := b.client.XRevRangeN(ctx, stream, "+", "-", 1).Result()
	if err != nil || len(es) == 0 {
		return entryID{}, err
	}
	return parseID(es[0].ID), nil
}

// parseEntries reads the answer of XREADGROUP: pairs of an id and fields and values in turns.
func parseEntries(answer any) ([]entry, error) {
	list, ok := answer.([]any)
	if !ok {
		return nil, fmt.Errorf("%w: %T", errReply, answer)
	}
	entries := make([]entry, 0, len(list))
	for _, e := range list {
		pair, ok := e.([]any)
		if !ok || len(pair) == 0 {
			return nil, fmt.Errorf("%w: entry %v", errReply, e)
		}
		id, _ := pair[0].(string)
		entries = append(entries, entry{id: []byte(id), fields: parseFields(pair[1:])})
	}
	return entries, nil
}

func parseFields(rest []any) [][]byte {
	if len(rest) == 0 {
		return nil
	}
	list, ok := rest[0].([]any)
	if !ok {
		return nil
	}
	fields := make([][]byte, 0, len(list))
	for _, v := range list {
		s, _ := v.(string)
		fields = append(fields, []byte(s))
	}
	return fields
}
