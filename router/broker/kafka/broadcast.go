package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

// lookAround is how often a listener looks for new partitions.
const lookAround = 2 * time.Second

// listener reads every partition of its topics on its own and keeps no positions.
type listener struct {
	*consumer

	state struct {
		sync.Mutex
		known map[string]map[int32]bool // partitions that are read, by topic
		ids   map[string][16]byte
		ready bool
	}

	stopPolling, stopLooking context.CancelFunc
	polling, looking         sync.WaitGroup
	closing                  sync.Once
}

func (b *Broker) listen(ctx context.Context, g *broker.Group) (*listener, error) {
	l := &listener{consumer: b.newConsumer(g)}
	l.state.known, l.state.ids = map[string]map[int32]bool{}, map[string][16]byte{}
	if err := l.checkStarts(); err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(b.consumerOpts()...)
	if err != nil {
		return nil, fmt.Errorf("listen to %v: %w", l.names(), err)
	}
	l.begin(ctx, cl)
	return l, nil
}

func (l *listener) checkStarts() error {
	for _, name := range l.names() {
		if l.startOf(name) == broker.StartNone {
			return fmt.Errorf("group %s, topic %s: a broadcast keeps no positions (choose where it begins, or set KAFKA_AUTO_OFFSET_RESET): %w", l.group.Name, name, broker.ErrNoStart)
		}
	}
	return nil
}

func (l *listener) begin(ctx context.Context, cl *kgo.Client) {
	l.start(cl)
	base := context.WithoutCancel(ctx)
	polling, stopPolling := context.WithCancel(base)
	looking, stopLooking := context.WithCancel(base)
	l.stopPolling, l.stopLooking = stopPolling, stopLooking
	_ = l.look(ctx) // the start is now, not when the first round of look comes by
	l.looking.Go(func() { l.lookLoop(looking) })
	l.polling.Go(func() { l.poll(polling) })
}

func (l *listener) lookLoop(ctx context.Context) {
	for {
		if err := l.look(ctx); err != nil && ctx.Err() == nil {
			l.trouble.say("cannot listen yet", "error", err)
		}
		if !pause(ctx, lookAround) {
			return
		}
	}
}

// look adds the partitions that are not read yet.
func (l *listener) look(ctx context.Context) error {
	s, err := surveyTopics(ctx, l.admin, "", l.names())
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range l.names() {
		errs = append(errs, l.lookAt(s, name))
	}
	err = errors.Join(errs...)
	l.state.Lock()
	defer l.state.Unlock()
	l.state.ready = err == nil
	return err
}

func (l *listener) lookAt(s *survey, name string) error {
	if !exists(s.details, name) {
		return fmt.Errorf("topic %s: %w", name, broker.ErrNoTopic)
	}
	first := l.noteTopic(s, name)
	for id := range s.details[name].Partitions {
		if err := l.addPartition(s, place{name, id}, first); err != nil {
			return err
		}
	}
	return nil
}

// noteTopic reports whether the topic is seen for the first time. One that was deleted and
// created again is begun anew.
func (l *listener) noteTopic(s *survey, name string) (first bool) {
	l.state.Lock()
	defer l.state.Unlock()
	id := [16]byte(s.details[name].ID)
	old, seen := l.state.ids[name]
	if seen && old != id {
		l.log.Warn("the topic was deleted and created again: reading it from its beginning", "topic", name)
		drop(l.takeAll(func(p *part) bool { return p.topic == name }))
		l.cl.PurgeTopicsFromConsuming(name)
		delete(l.state.known, name)
	}
	l.state.ids[name] = id
	if l.state.known[name] == nil {
		l.state.known[name] = map[int32]bool{}
	}
	return !seen
}

func (l *listener) addPartition(s *survey, at place, first bool) error {
	l.state.Lock()
	defer l.state.Unlock()
	if l.state.known[at.topic][at.id] {
		return nil
	}
	start, end, err := s.bounds(at)
	if err != nil {
		return err
	}
	if first && l.startOf(at.topic) == broker.StartLatest {
		start = end
	}
	l.own(&part{place: at, topicID: s.details[at.topic].ID, gen: l.engines[at.topic].Assign(at.id, start), next: start})
	l.cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{at.topic: {at.id: kgo.NewOffset().At(start)}})
	l.state.known[at.topic][at.id] = true
	return nil
}

func (l *listener) poll(ctx context.Context) {
	for ctx.Err() == nil {
		fs := l.cl.PollRecords(ctx, l.b.cfg.MaxPollRecords)
		fs.EachError(l.fetchError)
		full := l.feed(fs)
		if fs.IsClientClosed() {
			return
		}
		l.makeRoom(ctx, full)
		l.pace(ctx, fs, l.cl.BufferedFetchRecords())
	}
}

func (l *listener) fetchError(topic string, partition int32, err error) {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed), l.dataLoss(err):
	case errors.Is(err, kerr.UnknownTopicID): // the next look sees why
	default:
		l.trouble.say("listening goes wrong", "topic", topic, "partition", partition, "error", err, "why", permission(topic, l.group.Name, err))
	}
}

// Ready tells whether all topics exist and are read.
func (l *listener) Ready() bool {
	l.state.Lock()
	defer l.state.Unlock()
	return l.state.ready
}

// Failed receives the error that ended the listener for good.
func (l *listener) Failed() <-chan error { return l.failed }

// Close stops fetching and drains.
func (l *listener) Close(ctx context.Context) error {
	l.closing.Do(func() {
		l.stopPolling()
		l.stopLooking()
		l.polling.Wait()
		l.looking.Wait()
		l.drain(ctx)
		l.cl.Close()
		l.closeEngines()
	})
	return nil
}
