//go:build unix

package redis_test

import (
	"cmp"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/settings"
)

// round is the number of messages that are published together.
const (
	round       = 12
	memberLease = 3 * time.Second
)

// TestAMemberStoppedInsideItsReadDoesNothingToTheNextOwner stops the process of a member
// while it reads, until another member has taken over and handled everything, and lets it
// go on: what the server answers it late is nothing that it may handle.
func TestAMemberStoppedInsideItsReadDoesNothingToTheNextOwner(t *testing.T) {
	t.Parallel()
	for name, inside := range map[string]func(*stoppedMember){
		"the server has not got the question": func(s *stoppedMember) {
			read := s.inRead()
			s.stop()
			s.publish("b")
			s.answer = func() { read.pass(); read.answer() }
		},
		"the server gets the question before one of the next owner": func(s *stoppedMember) {
			read := s.inRead()
			s.stop()
			s.publish("b")
			s.answer = func() { s.askFirst(read) }
		},
		"the answer is on its way": func(s *stoppedMember) {
			read := s.inRead()
			s.stop()
			s.publish("b")
			read.pass()
			s.pending(round)
			s.answer = read.answer
		},
		"work is in its hands": func(s *stoppedMember) {
			s.busy("slow")
			s.publish("b", "k")
			s.pending(round + 1)
			s.stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, addr string) {
				t.Helper()
				s := newStoppedMember(t, addr)
				s.publish("a")
				s.handled("a", "process")
				s.pending(0)
				inside(s)
				s.takenOver()
				s.goOn()
				s.check()
			})
		})
	}
}

// stoppedMember is the story of one.
type stoppedMember struct {
	*testing.T
	history history
	addr    string
	b       *redis.Broker
	topic   string
	line    *proxy // of the process
	process *memberProcess
	other   *proxy // of the next owner
	next    broker.Member
	answer  func() // lets the connection go on that waits
	rounds  []string
}

func newStoppedMember(t *testing.T, addr string) *stoppedMember {
	t.Helper()
	s := &stoppedMember{T: t, addr: addr, line: newProxy(t, addr), other: newProxy(t, addr), answer: func() {}}
	s.b = open(t, addr, s.lease)
	s.topic = create(t, s.b, 1)
	s.process = startMember(t, memberConfig{Addr: s.line.addr(), Topic: s.topic, Lease: memberLease}, &s.history)
	return s
}

func (s *stoppedMember) lease(c *settings.Redis) { c.Lease = memberLease }

// publish publishes a round of messages.
func (s *stoppedMember) publish(name string, keys ...string) {
	s.Helper()
	s.rounds = append(s.rounds, name)
	if len(keys) == 0 {
		keys = []string{"k0", "k1", "k2"}
	}
	for i := range round {
		s.send(fmt.Sprint(name, i), keys[i%len(keys)])
	}
}

func (s *stoppedMember) send(id, key string) {
	s.Helper()
	publish(s.T, s.b, &broker.Record{Topic: s.topic, ID: id, Key: []byte(key)})
}

// handled waits until a round was handled, all of it by one member.
func (s *stoppedMember) handled(name, who string) {
	s.Helper()
	for i := range round {
		id := fmt.Sprint(name, i)
		until(s.T, who+" handles "+id, func() bool { return slices.Contains(s.history.by(id), who) })
	}
}

// inRead waits until a question of the process's reader is under way.
func (s *stoppedMember) inRead() *stop {
	s.Helper()
	read := s.line.stopAt(s.T, redis.ReadHash)
	receive(s.T, read.caught)
	return read
}

// askFirst has the server answer the process while there is something new that the next owner is about to read.
func (s *stoppedMember) askFirst(read *stop) {
	s.Helper()
	next := s.other.stopAt(s.T, redis.ReadHash)
	s.publish("n")
	receive(s.T, next.caught)
	read.pass()
	<-time.After(memberLease / 10) // for the server
	read.answer()
	next.pass()
	next.answer()
	s.handled("n", "next")
}

// busy has the process handle a message that takes long.
func (s *stoppedMember) busy(id string) {
	s.Helper()
	s.send(id, "k")
	until(s.T, "the process handles it", func() bool { return len(s.history.by(id)) > 0 })
}

func (s *stoppedMember) stop() { s.Helper(); s.process.signal(s.T, syscall.SIGSTOP) }

// pending waits until n messages are given away and not finished.
func (s *stoppedMember) pending(n int64) {
	s.Helper()
	c := client(s.T, s.addr)
	until(s.T, fmt.Sprint(n, " messages are pending"), func() bool { return c.XPending(s.Context(), s.topic, "g").Val().Count == n })
}

// takenOver has another member handle what came meanwhile.
func (s *stoppedMember) takenOver() {
	s.Helper()
	s.next = join(s.T, open(s.T, s.other.addr(), s.lease), group(s.topic, s.history.handle("next")))
	s.handled("b", "next")
}

// goOn lets the process go on and, when the next owner leaves, take its turn again.
func (s *stoppedMember) goOn() {
	s.Helper()
	s.process.signal(s.T, syscall.SIGCONT)
	s.answer()
	until(s.T, "the process has noticed", func() bool { return s.process.log.count("partition lost") > 0 })
	s.publish("c")
	s.handled("c", "next")
	leave(s.T, s.next)
	s.publish("d")
	s.handled("d", "process")
	s.process.end(s.T)
}

// check judges who handled what in which order.
func (s *stoppedMember) check() {
	s.Helper()
	for _, name := range s.rounds {
		who := "process"
		if slices.Contains([]string{"b", "n", "c"}, name) {
			who = "next"
		}
		for i := range round {
			if got := s.history.by(fmt.Sprint(name, i)); !slices.Equal(got, []string{who}) {
				s.Errorf("%s%d was handled by %v, not once by %s", name, i, got, who)
			}
		}
	}
	slices.SortFunc(s.history.begun, func(a, b begun) int { return cmp.Compare(a.At, b.At) })
	order := map[string][]string{}
	for _, b := range s.history.begun {
		if b.ID != "slow" {
			order[b.Key] = append(order[b.Key], b.ID)
		}
	}
	for key, ids := range s.published() {
		if diff := gocmp.Diff(ids, order[key]); diff != "" {
			s.Errorf("order of %s: %s", key, diff)
		}
	}
}

// published are the ids of each key as the stream has them.
func (s *stoppedMember) published() map[string][]string {
	s.Helper()
	order := map[string][]string{}
	for r, err := range s.b.Read(s.Context(), broker.ReadOptions{Topics: []string{s.topic}, UntilEnd: true}) {
		if err != nil {
			s.Fatal(err)
		}
		if r.ID != "slow" {
			order[string(r.Key)] = append(order[string(r.Key)], r.ID)
		}
	}
	return order
}
