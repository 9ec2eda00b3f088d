package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Options say how a fault is tried.
type Options struct {
	Binary   string // whose first argument is a role; empty: this one
	Messages int    // on each broker, over all of its trials
	Seed     int64
	With     []string // further settings of producers and members, NAME=value
	Memory   int64    // bytes that a member may keep resident; 0: not judged
	Dir      string
	Talk     func(format string, args ...any)
}

// members is how many members a run begins with; producers and keys are fixed too.
const (
	members    = 3
	producers  = 2
	keys       = 100 // of each producer
	partitions = 6
)

// run is one fault under load.
type run struct {
	trial

	o       Options
	servers *servers
	names   names
	dir     string
	rng     *rand.Rand
	fleet   *fleet
	log     *Log
	history *History
	tail    *tail
	members []*child // that should be running
	slots   map[*child]int
	started int
	notes   []string // violations that no log shows
}

func newRun(o Options, t trial, s *servers) (*run, error) {
	name := fmt.Sprintf("chaos-%s-%d-%d", t.fault.name, o.Seed, time.Now().UnixMilli()%1_000_000_000)
	r := &run{
		trial: t, o: o, servers: s, dir: filepath.Join(o.Dir, name+"-"+s.broker), slots: map[*child]int{},
		names: names{run: name, format: s.format(), partitions: partitions, replication: s.replication, together: t.fault.busy},
		rng:   rand.New(rand.NewPCG(uint64(o.Seed), 1)), //nolint:gosec // a schedule to repeat, no secret
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, err
	}
	log, err := OpenLog(filepath.Join(r.dir, "parent.log"))
	if err != nil {
		return nil, err
	}
	r.log, r.tail, r.history = log, newTail(r.dir), NewHistory(t.fault.stages()...)
	r.fleet = &fleet{binary: o.Binary, dir: r.dir, env: r.env(), log: log, peaks: map[int]int64{}}
	return r, nil
}

// env is what children get: the servers, and nothing of ours that could name others.
func (r *run) env() []string {
	own := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "SERVICE_NAME=" + r.names.run}
	return slices.Concat(own, r.servers.env, r.o.With)
}

// all does the whole run and judges it.
func (r *run) all(ctx context.Context) (*Verdict, error) {
	defer r.fleet.end()
	watching, stop := context.WithCancel(ctx)
	watched := r.watch(watching)
	err := r.story(ctx)
	stop()
	<-watched
	if err != nil {
		return nil, fmt.Errorf("%s on %s: %w (logs in %s)", r.fault.name, r.servers.broker, err, r.dir)
	}
	return r.judge()
}

// story is load, the fault in the middle of it, quiet, and a stop in order.
func (r *run) story(ctx context.Context) error {
	for range members {
		if err := r.join(ctx); err != nil {
			return err
		}
	}
	// A start that meets no broker fails, as it should.
	if err := r.until(ctx, time.Minute, func() bool { return r.history.count[Ready] >= members }); err != nil {
		return fmt.Errorf("the members did not start: %w", err)
	}
	if err := r.produce(ctx); err != nil {
		return err
	}
	if err := r.until(ctx, time.Minute, func() bool { return r.history.Finished() >= max(20, r.messages/20) }); err != nil {
		return fmt.Errorf("the service did not get going: %w", err)
	}
	if err := r.hurt(ctx); err != nil {
		return err
	}
	if err := r.quiet(ctx); err != nil {
		return err
	}
	r.leaveAll()
	return r.rested(ctx)
}

// join starts one more member, in the lowest slot that is free.
func (r *run) join(ctx context.Context) error {
	r.started++
	name, slot := fmt.Sprintf("member-%d", r.started), r.freeSlot()
	m, err := r.fleet.start(ctx, name, r.membership.of(slot), "consume", slices.Concat(r.names.args(), r.fault.load(), []string{
		"-log", filepath.Join(r.dir, name+".log"), "-pipe=" + strconv.FormatBool(r.fault.pipe),
	})...)
	if err == nil {
		r.members = append(r.members, m)
		r.slots[m] = slot
	}
	return err
}

func (r *run) freeSlot() int {
	for slot := 1; ; slot++ {
		if !slices.ContainsFunc(r.members, func(m *child) bool { return r.slots[m] == slot }) {
			return slot
		}
	}
}

// take removes a member, drawn by the seed, from those that should be running.
func (r *run) take() *child {
	i := r.rng.IntN(len(r.members))
	m := r.members[i]
	r.members = append(r.members[:i:i], r.members[i+1:]...)
	return m
}

// oldest removes the member that has been running longest.
func (r *run) oldest() *child {
	m := r.members[0]
	r.members = slices.Clone(r.members[1:])
	return m
}

// produce starts the producers at a pace that outlasts the fault.
func (r *run) produce(ctx context.Context) error {
	each := r.messages / producers
	rate := each / max(1, int((r.fault.lasts+8*time.Second)/time.Second))
	for i := range producers {
		name := fmt.Sprintf("producer-%d", i)
		_, err := r.fleet.start(ctx, name, nil, "produce", append(r.names.args(),
			"-log", filepath.Join(r.dir, name+".log"), "-index", strconv.Itoa(i), "-messages", strconv.Itoa(each),
			"-keys", strconv.Itoa(keys), "-rate", strconv.Itoa(max(rate, 100)), "-seed", strconv.FormatInt(r.o.Seed, 10),
			"-flaky", "20", "-doomed", strconv.Itoa(r.fault.bad()), "-poison", strconv.Itoa(r.fault.bad()))...)
		if err != nil {
			return err
		}
	}
	return nil
}

// hurt does the fault and notes when.
func (r *run) hurt(ctx context.Context) error {
	if r.fault.do == nil {
		return nil
	}
	if r.fault.before != nil {
		if err := r.fault.before(ctx, r); err != nil {
			return err
		}
	}
	if err := r.log.Add(Event{Kind: Fault}); err != nil {
		return err
	}
	if r.fault.silences {
		if err := r.log.Add(Event{Kind: Silenced}); err != nil {
			return err
		}
	}
	err := r.fault.do(ctx, r)
	return errors.Join(err, r.log.Add(Event{Kind: Healed}))
}

// Bounds of the quiet after the storm.
const (
	produceWithin = 30 * time.Minute
	idleLimit     = 45 * time.Second // without any progress: what is missing is lost
	afterwards    = 2 * time.Second  // for what should not come any more
)

// quiet waits until the producers are through and everything is settled or nothing moves any more.
func (r *run) quiet(ctx context.Context) error {
	if err := r.until(ctx, produceWithin, r.produced); err != nil {
		return fmt.Errorf("the producers did not come to an end: %w", err)
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	return wait(ctx, afterwards)
}

// produced tells that all producers have ended.
func (r *run) produced() bool {
	for _, c := range r.fleet.children() {
		if c.name[0] == 'p' && c.running() {
			return false
		}
	}
	return true
}

func (r *run) settle(ctx context.Context) error {
	last, moved := -1, time.Now()
	for {
		if err := r.read(); err != nil {
			return err
		}
		if r.history.Unsettled() == 0 {
			return nil
		}
		if n := r.history.Finished(); n != last {
			last, moved = n, time.Now()
		}
		if time.Since(moved) > r.patience() {
			return nil // the verdict says what is missing
		}
		if err := wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

func (r *run) patience() time.Duration {
	if r.fault.rules.Lossy {
		return idleLimit / 3
	}
	return idleLimit
}

const pollEvery = 300 * time.Millisecond

var errTooLong = errors.New("it took too long")

// until polls a condition on the logs.
func (r *run) until(ctx context.Context, within time.Duration, done func() bool) error {
	for deadline := time.Now().Add(within); ; {
		if err := r.read(); err != nil || done() {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %v", errTooLong, within)
		}
		if err := wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

func (r *run) read() error { return r.tail.each(r.history.Add) }

// leaveAll stops the members in order; one that cannot is a violation.
func (r *run) leaveAll() {
	for _, c := range r.fleet.children() {
		if c.name[0] == 'p' && c.err != nil {
			r.notes = append(r.notes, fmt.Sprintf("exit: %s: %v", c.name, c.err))
		}
	}
	for _, m := range r.members {
		r.noteStop(r.fleet.stop(m))
	}
}

// noteStop notes a stop that was not in order.
func (r *run) noteStop(err error) {
	if err != nil {
		r.notes = append(r.notes, fmt.Sprintf("exit: %v", err))
	}
}

// judge reads the rest of the logs and checks them.
func (r *run) judge() (*Verdict, error) {
	if err := r.read(); err != nil {
		return nil, err
	}
	rules := r.fault.rules
	rules.Memory = r.o.Memory
	v := Check(r.history, rules, r.fleet.peaks)
	v.Violations = append(v.Violations, r.notes...)
	return v, r.log.Close()
}
