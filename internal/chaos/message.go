package chaos

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/leat-go/leat/topics"
)

// Message is what producers publish and workers hand on.
type Message struct {
	Key  string `json:"key"`
	Seq  int    `json:"seq"`
	Fate Fate   `json:"fate"`
	Body string `json:"body"`
}

func (m Message) hash() uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s %d %s %s", m.Key, m.Seq, m.Fate, m.Body)
	return h.Sum64()
}

// work is how long the handler takes: mostly under 2 ms, sometimes 50.
func (m Message) work() time.Duration {
	h := m.hash()
	if h%500 == 0 {
		return 50 * time.Millisecond
	}
	return time.Duration(h%2000) * time.Microsecond
}

// names are the topics and groups of one run.
type names struct {
	run         string
	format      string // json or avro
	partitions  int
	replication int
	together    bool // all handlers are in one group
}

func (n names) event(name string) topics.Event[Message] {
	return topics.Event[Message]{
		Name: name, Key: func(m Message) string { return m.Key }, Partitions: n.partitions, Replication: n.replication,
		Format: topics.Format(n.format), Namespace: "leat.chaos",
	}
}

func (n names) in() topics.Event[Message]  { return n.event(n.topic(In)) }
func (n names) out() topics.Event[Message] { return n.event(n.topic(Out)) }

// letters are the dead letters of the topic in.
func (n names) letters() topics.Event[[]byte] {
	return topics.Event[[]byte]{
		Name: n.run + "-in.dlq", Format: topics.Raw, Partitions: n.partitions, Replication: n.replication,
	}
}

func (n names) topic(s Stage) string { return n.run + "-" + string(s) }

func (n names) group(s Stage) string {
	if n.together {
		return n.run
	}
	return n.topic(s)
}

// lot draws the fate of messages: shares in thousandths, decided by seed, key and seq alone.
type lot struct {
	seed                  int64
	flaky, doomed, poison int
}

func (l lot) fate(key string, seq int) Fate {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s %d", l.seed, key, seq)
	n := int((h.Sum64() >> 7) % 1000)
	switch {
	case n < l.flaky:
		return Flaky
	case n < l.flaky+l.doomed:
		return Doomed
	case n < l.flaky+l.doomed+l.poison:
		return Poison
	}
	return Fine
}

// message makes the message with this number of the key.
func (l lot) message(key string, seq int) Message {
	m := Message{Key: key, Seq: seq, Fate: l.fate(key, seq)}
	m.Body = strings.Repeat("x", 20+int(m.hash()%200))
	return m
}

// poison returns bytes that no codec reads and that still tell which message they are.
func (m Message) poison() []byte { return fmt.Appendf(nil, "{poison %s %d", m.Key, m.Seq) }
