package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// TestWhatPausesAGenerationDoesNotPauseTheNext has another generation take the place of one between the look at it and
// the pause.
func TestWhatPausesAGenerationDoesNotPauseTheNext(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]func(*consumer, *part){
		"full":  (*consumer).pause,
		"heavy": func(c *consumer, p *part) { c.weigh(p, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1")) // nobody dials
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			e := dispatch.New(dispatch.Config[*broker.Record]{Records: 1, Run: func(*item) {}})
			defer e.Close()
			at := place{"t", 0}
			former, next := &part{place: at, gen: e.Assign(0, 0)}, &part{place: at, gen: e.Assign(0, 1)}
			c := &consumer{cl: cl, parts: map[place]*part{at: former}}
			former.gen.Feed(entry{})
			pause(c, former)
			if paused := cl.PauseFetchPartitions(nil); len(paused) != 1 {
				t.Fatalf("paused are %v: the test proves nothing", paused)
			}
			c.fetchAgain(at)
			former.full, former.heavy = false, false
			c.replace(former, next)
			pause(c, former)
			if paused := cl.PauseFetchPartitions(nil); len(paused) != 0 {
				t.Errorf("paused are %v", paused)
			}
		})
	}
}
