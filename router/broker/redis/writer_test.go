package redis_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/topics"
)

// TestWhatAFullServerRefusesIsNotOvertaken has a server that is full when it meets the first
// of several records of a pipeline, and has room again when it meets the second.
func TestWhatAFullServerRefusesIsNotOvertaken(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]topics.Kind{"event": topics.KindEvent, "state": topics.KindState} {
		t.Run(name, func(t *testing.T) { t.Parallel(); overtake(t, kind) })
	}
}

func overtake(t *testing.T, kind topics.Kind) {
	t.Helper()
	s := ownServer(t, testservers.RedisOptions{})
	c := client(t, s.Addr())
	p := newProxy(t, s.Addr())
	b := open(t, p.addr())
	topic := create(t, b, 2, func(c *broker.TopicConfig) { c.Kind = kind })
	record := func(id, key string) *broker.Record { return &broker.Record{Topic: topic, ID: id, Key: []byte(key)} }
	publish(t, b, record("0", "other"))
	goOn := p.hold(t)
	first := produce(t, b, record("1", "another"))
	until(t, "the writer waits for an answer", func() bool { return c.XLen(t.Context(), topic).Val()+c.XLen(t.Context(), topic+":1").Val() == 2 })
	overtaking := p.stopAt(t, "overtaking")
	more := produce(t, b, record("refused", "k"), record("overtaking", "k"), record("last", "k"))
	memory(t, c, 1)
	goOn()
	receive(t, overtaking.caught)
	memory(t, c, 0)
	overtaking.pass()
	overtaking.answer()
	first.Wait()
	more.Wait()
	var got []string
	for r, err := range b.Read(t.Context(), broker.ReadOptions{Topics: []string{topic}, UntilEnd: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if string(r.Key) == "k" {
			got = append(got, r.ID)
		}
	}
	want := []string{"refused", "overtaking", "last"}
	if kind == topics.KindState {
		want = want[2:]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// memory limits the memory of a server; it has more than 1 in use.
func memory(t *testing.T, c *goredis.Client, limit int) {
	t.Helper()
	if err := c.ConfigSet(t.Context(), "maxmemory", strconv.Itoa(limit)).Err(); err != nil {
		t.Fatal(err)
	}
}

// produce publishes without waiting.
func produce(t *testing.T, b *redis.Broker, rs ...*broker.Record) *sync.WaitGroup {
	t.Helper()
	var wg sync.WaitGroup
	wg.Add(len(rs))
	for _, r := range rs {
		b.Outputs().Produce(t.Context(), r, func(_ broker.Receipt, err error) {
			if err != nil {
				t.Errorf("publish %s: %v", r.ID, err)
			}
			wg.Done()
		})
	}
	return &wg
}

// TestARecordThatIsRefusedForGoodFailsAlone has records of three topics in one pipeline; the
// user has no right to one of them.
func TestARecordThatIsRefusedForGoodFailsAlone(t *testing.T) {
	t.Parallel()
	s := ownServer(t, testservers.RedisOptions{Users: map[string]string{"some": "on >secret ~mine* ~leat:* +@all"}})
	p := newProxy(t, s.Addr())
	b := opened(t, as(p.addr(), "some", "secret"), newLogBook(t))
	publish(t, b, &broker.Record{Topic: "mine"})
	goOn := p.hold(t)
	first := produce(t, b, &broker.Record{Topic: "mine", ID: "0"})
	until(t, "the writer waits for an answer", func() bool { return client(t, s.Addr()).XLen(t.Context(), "mine").Val() == 2 })
	more := produce(t, b, &broker.Record{Topic: "mine", ID: "1"}, &broker.Record{Topic: "mine", ID: "2"})
	refused := make(chan error, 1)
	b.Outputs().Produce(t.Context(), &broker.Record{Topic: "theirs"}, func(_ broker.Receipt, err error) { refused <- err })
	last := produce(t, b, &broker.Record{Topic: "mine", ID: "3"})
	goOn()
	if err := receive(t, refused); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("theirs: %v", err)
	}
	first.Wait()
	more.Wait()
	last.Wait()
	if n := client(t, s.Addr()).XLen(t.Context(), "mine").Val(); n != 5 {
		t.Errorf("%d records were written, not each of 5 once", n)
	}
}
