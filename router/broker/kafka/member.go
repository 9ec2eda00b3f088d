package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

const (
	// revokeWithin is how long running handlers may hold up a rebalance, well below the
	// time that the group gives its members.
	revokeWithin = 3 * time.Second
	commitWithin = 10 * time.Second
	leaveWithin  = 5 * time.Second
)

// member is this process in a group, by one client.
type member struct {
	*consumer
	pulse   pulse
	early   atomic.Pointer[earlySurvey]
	lapsing sync.Mutex

	committing sync.Mutex // held from reading progress until it is committed
	roomy      int        // bytes of metadata that the servers take; guarded by committing
	finished   chan struct{}
	burdened   atomic.Bool // by partitions whose commit has no room for all there is to say

	state struct {
		sync.Mutex
		joined    bool
		looked    bool              // missing is known
		why       string            // the group does not take this member; "" when it does
		pending   map[place]bool    // assigned, position not known yet
		missing   map[string]string // why topics cannot be consumed
		recreated map[string]bool   // topics that were deleted and created again before this member joined
		ids       map[string]kadm.TopicID
		others    map[string]bool // topics that are not the ones of ids any more
	}
	outdated chan struct{} // has room for one

	stopPolling, stopRest context.CancelFunc
	stopWaiting           atomic.Pointer[context.CancelFunc] // for messages, this time
	polling, rest         sync.WaitGroup
	closing               sync.Once
	closeErr              error
}

// Join makes this process a member of the group for all of its subscriptions, or a listener
// when g is a broadcast. Topics need not exist yet: the member is not ready until they do.
func (b *Broker) Join(ctx context.Context, g broker.Group) (broker.Member, error) {
	if b.closed.Load() {
		return nil, broker.ErrClosed
	}
	if g.Broadcast {
		return b.listen(ctx, &g)
	}
	ms, err := b.joinGroup(ctx, &g)
	if err != nil {
		return nil, err
	}
	return ms, nil
}

// newMember joins. recreated are the topics in which the group begins anew.
func (b *Broker) newMember(ctx context.Context, g *broker.Group, recreated map[string]bool) (*member, error) {
	m := &member{consumer: b.newConsumer(g), roomy: metadataLimit, finished: make(chan struct{}, 1), outdated: make(chan struct{}, 1)}
	m.state.pending = map[place]bool{}
	m.state.ids, m.state.others = map[string]kadm.TopicID{}, map[string]bool{}
	m.state.recreated = recreated
	m.pulse.limit = b.cfg.SessionTimeout // also with KIP-848, where servers choose the session and tell nobody
	m.lapsed = m.gone
	m.moved = m.wakeCommits
	cl, err := kgo.NewClient(append(b.groupOpts(g.Name, m.names()), m.callbacks()...)...)
	if err != nil {
		return nil, fmt.Errorf("join group %s: %w", g.Name, err)
	}
	m.begin(ctx, cl)
	return m, nil
}

func (m *member) callbacks() []kgo.Opt {
	return []kgo.Opt{
		kgo.WithHooks(&m.pulse),
		kgo.AdjustFetchOffsetsFn(m.adjust),
		kgo.OnPartitionsAssigned(m.assigned),
		kgo.OnPartitionsRevoked(m.revoked),
		kgo.OnPartitionsLost(m.lost),
	}
}

// begin lives on after ctx ended: Close ends it.
func (m *member) begin(ctx context.Context, cl *kgo.Client) {
	m.start(cl)
	base := context.WithoutCancel(ctx)
	polling, stopPolling := context.WithCancel(base)
	rest, stopRest := context.WithCancel(base)
	m.stopPolling, m.stopRest = stopPolling, stopRest
	m.polling.Go(func() { m.poll(polling) })
	m.rest.Go(func() { m.commitLoop(rest) })
	m.rest.Go(func() { m.watch(rest) })
	m.rest.Go(func() { m.guard(rest) })
	m.rest.Go(func() { m.beat(rest) })
}

// poll feeds the engines until ctx ends.
func (m *member) poll(ctx context.Context) {
	for closed := false; ctx.Err() == nil && !closed; {
		calm, stop := context.WithCancel(ctx)
		m.stopWaiting.Store(&stop)
		closed = m.pollCalmly(calm)
	}
}

// pollCalmly polls until ctx ends, and recovers then. While a batch is in hand no partition
// changes hands, which takes no longer than feeding.
func (m *member) pollCalmly(ctx context.Context) (closed bool) {
	for {
		fs := m.cl.PollRecords(ctx, m.b.cfg.MaxPollRecords)
		m.fetchErrors(fs)
		full := m.feed(fs)
		disturbed := ctx.Err() != nil
		if disturbed {
			m.recover()
		}
		m.cl.AllowRebalance()
		if closed = fs.IsClientClosed(); closed || disturbed {
			return closed
		}
		m.makeRoom(ctx, full)
		m.pace(ctx, fs, m.cl.BufferedFetchRecords())
	}
}

// disturb has poll look whether there are partitions to recover. It may be missed: ask again.
func (m *member) disturb() {
	if stop := m.stopWaiting.Load(); stop != nil {
		(*stop)()
	}
}

// fetchErrors deals with what went wrong.
func (m *member) fetchErrors(fs kgo.Fetches) {
	others := map[string]bool{}
	fs.EachError(func(topic string, partition int32, err error) {
		switch {
		case errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed), m.dataLoss(err):
		case errors.Is(err, kerr.UnknownTopicID):
			others[topic] = true
		default:
			m.fetchError(topic, partition, err)
		}
	})
	m.outdate(others)
}

func (m *member) fetchError(topic string, partition int32, err error) {
	if errors.Is(err, broker.ErrNoStart) {
		return // reported already
	}
	if errors.Is(err, kerr.FencedInstanceID) {
		m.fail(fmt.Errorf("group %s: another process has the same kafka.group_instance_id %q: %w", m.group.Name, m.b.cfg.GroupInstanceID, err))
		return
	}
	if why := permission(topic, m.group.Name, err); why != "" {
		m.cannot("cannot consume: "+why, topic, err)
		return
	}
	if errors.Is(err, kerr.InconsistentGroupProtocol) {
		m.cannot("cannot join: the group's members share out partitions in another way (set KAFKA_BALANCER=range for a group with sarama members)", topic, err)
		return
	}
	m.trouble.say("consuming goes wrong", "topic", topic, "partition", partition, "error", err)
}

// Close stops fetching, drains, commits and leaves the group. A static member stays in the
// group until its session ends.
func (m *member) Close(ctx context.Context) error {
	m.closing.Do(func() { m.closeErr = m.close(ctx) })
	return m.closeErr
}

func (m *member) close(ctx context.Context) error {
	m.stopPolling()
	m.polling.Wait()
	m.cl.AllowRebalance()
	m.drain(ctx)
	m.stopRest()
	m.rest.Wait()
	err := m.finalCommit(ctx)
	m.leave(ctx)
	m.closeEngines()
	return err
}

// finalCommit is tried even when ctx is over: handlers have finished, that must not be lost.
func (m *member) finalCommit(ctx context.Context) error {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
	defer cancel()
	if err := m.commitParts(within, m.takeAll(func(*part) bool { return true })); err != nil {
		return fmt.Errorf("leave group %s: %w", m.group.Name, err)
	}
	return nil
}

func (m *member) leave(ctx context.Context) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	if err := m.cl.LeaveGroupContext(within); err != nil {
		m.log.Debug("leave group", "error", err)
	}
	m.cl.CloseAllowingRebalance()
	m.cl.AllowRebalance() // else a second leave of the client may wait for ever
}
