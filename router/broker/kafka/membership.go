package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/leat-go/leat/router/broker"
)

// membership is this process' place in a group: one member after the other. When a topic was
// deleted and created again the member leaves in order, and a new one with a client of its
// own joins. franz-go keeps to the topic that it knew first; to purge and add it again races
// with the rebalances that this causes, after which two members may read one partition.
type membership struct {
	b      *Broker
	group  broker.Group
	failed chan error // has room for one

	mu  sync.Mutex
	now *member // nil between two members

	stop    context.CancelFunc
	running sync.WaitGroup
	closing sync.Once
	err     error
}

var _ broker.Member = (*membership)(nil)

// rejoinPause keeps a member from joining again and again while the servers do not agree
// yet about a topic.
const rejoinPause = 250 * time.Millisecond

func (b *Broker) joinGroup(ctx context.Context, g *broker.Group) (*membership, error) {
	ms := &membership{b: b, group: *g, failed: make(chan error, 1)}
	first, err := b.newMember(ctx, g, nil)
	if err != nil {
		return nil, err
	}
	ms.now = first
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ms.stop = stop
	ms.running.Go(func() { ms.follow(running, first) })
	return ms, nil
}

// follow replaces the member whenever a topic is another one than the member knows.
func (ms *membership) follow(ctx context.Context, m *member) {
	for m != nil {
		select {
		case <-ctx.Done():
			return
		case err := <-m.failed:
			ms.failed <- err
			return
		case <-m.outdated:
			m = ms.replace(ctx, m)
		}
	}
}

// replace lets old leave in order and joins anew. It returns nil when that is over.
func (ms *membership) replace(ctx context.Context, old *member) *member {
	ms.set(nil)
	ms.retire(ctx, old)
	if !pause(ctx, rejoinPause) {
		return nil
	}
	m, err := ms.b.newMember(ctx, &ms.group, old.others())
	if err != nil {
		ms.failed <- err
		return nil
	}
	ms.set(m)
	return m
}

// retire closes a member as a rebalance would: running handlers get the time of a revoke.
func (ms *membership) retire(ctx context.Context, old *member) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeWithin)
	defer cancel()
	if err := old.Close(within); err != nil {
		old.log.Warn("leave the group to join it again: messages since the last commit come again", "error", err)
	}
}

func (ms *membership) set(m *member) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.now = m
}

func (ms *membership) current() *member {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return ms.now
}

// Ready tells whether positions are known for all partitions that this member was given.
func (ms *membership) Ready() bool {
	m := ms.current()
	return m != nil && m.Ready()
}

// Reason tells why it is not ready, "" when it is.
func (ms *membership) Reason() string {
	if m := ms.current(); m != nil {
		return m.Reason()
	}
	return "group " + ms.group.Name + ": waiting to join anew, a topic was deleted"
}

// Failed receives the error that ended the member for good.
func (ms *membership) Failed() <-chan error { return ms.failed }

// Close stops fetching, drains, commits and leaves the group. A static member stays in the
// group until its session ends.
func (ms *membership) Close(ctx context.Context) error {
	ms.closing.Do(func() {
		ms.stop()
		ms.running.Wait()
		if m := ms.current(); m != nil {
			ms.err = m.Close(ctx)
		}
	})
	return ms.err
}
