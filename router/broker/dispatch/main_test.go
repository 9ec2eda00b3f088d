package dispatch_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/router/broker/dispatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type (
	item      = dispatch.Item[string]
	config    = dispatch.Config[string]
	partition = dispatch.Partition[string]
	entry     = dispatch.Entry[string]
)

// start runs an engine until the end of the test.
func start(t *testing.T, cfg config) *dispatch.Engine[string] {
	t.Helper()
	e := dispatch.New(cfg)
	t.Cleanup(e.Close)
	return e
}

// entries makes one entry of each word, at the positions from first on: "a1" has the key "a",
// "-1" has none.
func entries(first int64, words string) []entry {
	var es []entry
	for i, w := range strings.Fields(words) {
		es = append(es, entry{Position: first + int64(i), Key: []byte(strings.Trim(w[:1], "-")), Size: 1, Value: w})
	}
	return es
}

// log is what happened, in order.
type log struct {
	mu    sync.Mutex
	lines []string
	begun time.Time
}

func newLog() *log { return &log{begun: time.Now()} }

func (l *log) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, s)
}

// at adds what happened and when, counted from the beginning of the log.
func (l *log) at(s string) { l.add(time.Since(l.begun).String() + " " + s) }

func (l *log) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

// of returns the lines that begin with prefix.
func (l *log) of(prefix string) (found []string) {
	for _, s := range l.all() {
		if strings.HasPrefix(s, prefix) {
			found = append(found, s)
		}
	}
	return found
}

func words(b []*item) string {
	var ws []string
	for _, it := range b {
		ws = append(ws, it.Value)
	}
	return strings.Join(ws, " ")
}

func attempt(it *item) string { return it.Value + "#" + strconv.Itoa(it.Attempt()) }
