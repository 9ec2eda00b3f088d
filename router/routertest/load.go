package routertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
)

var loadCases = []semantic{
	{"of two thousand messages each is handled or a dead letter, once and in order", load},
}

// What becomes of the messages of a load: some fail once, some always, some cannot be decoded.
func flaky(n int) bool  { return n%50 == 13 }
func doomed(n int) bool { return n%50 == 31 }
func broken(n int) bool { return n%50 == 44 }

// load finds what goes wrong once in a hundred times or less.
func load(b *bench) {
	const total, keys = 2000, 40
	b.start(func(ctx context.Context, i *item) error {
		b.say("%s %d attempt %d", i.Key, i.N, attempt(ctx))
		if doomed(i.N) || flaky(i.N) && attempt(ctx) == 1 {
			return errBusy
		}
		return nil
	}, router.Concurrency(100), router.Retry(1, router.Fixed(5*time.Millisecond)))
	var recs []*broker.Record
	want, dead := map[string][]string{}, []string{}
	for n := range total {
		key := "key-" + strconv.Itoa(n%keys)
		rec := loaded(key, n)
		recs = append(recs, rec)
		if broken(n) || doomed(n) {
			dead = append(dead, buried(rec))
		}
		want[key] = append(want[key], attempts(key, n)...)
	}
	b.rawAll(recs)
	got := map[string][]string{}
	for _, line := range b.heard(lines(want)) {
		var key string
		_, _ = fmt.Sscan(line, &key)
		got[key] = append(got[key], line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Error(diff)
	}
	b.onlyDead(dead)
}

// loaded is the record of a number, with a header that tells it.
func loaded(key string, n int) *broker.Record {
	value, _ := json.Marshal(item{Key: key, N: n})
	if broken(n) {
		value = fmt.Appendf(nil, "no JSON %d", n)
	}
	return &broker.Record{Key: []byte(key), Value: value, Headers: broker.Headers{{Key: "number", Value: []byte(strconv.Itoa(n))}}}
}

// attempts are the lines that a handler says of a number.
func attempts(key string, n int) []string {
	lines := []string{fmt.Sprintf("%s %d attempt 1", key, n), fmt.Sprintf("%s %d attempt 2", key, n)}
	switch {
	case broken(n):
		return nil
	case doomed(n), flaky(n):
		return lines
	}
	return lines[:1]
}

func lines(m map[string][]string) (n int) {
	for _, ls := range m {
		n += len(ls)
	}
	return n
}

// buried is what a dead letter keeps of its message.
func buried(r *broker.Record) string {
	return fmt.Sprintf("%s %q number %s", r.Key, r.Value, header(r, "number"))
}

// onlyDead waits for dead letters and wants no others.
func (b *bench) onlyDead(want []string) {
	b.Helper()
	var got []string
	for deadline := time.Now().Add(b.s.patience); len(got) < len(want) && time.Now().Before(deadline); <-time.After(tick) {
		got = nil
		for _, r := range b.all(b.deadLetters()) {
			got = append(got, buried(r))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("dead letters: %s", diff)
	}
}

// rawAll publishes records as they are, without waiting in between.
func (b *bench) rawAll(recs []*broker.Record) {
	b.Helper()
	results := make(chan error, len(recs))
	for _, rec := range recs {
		rec.Topic = b.event().Name
		b.broker.Sends().Produce(b.Context(), rec, func(_ broker.Receipt, err error) { results <- err })
	}
	var err error
	for range recs {
		err = errors.Join(err, <-results)
	}
	if err != nil {
		b.Fatal(err)
	}
}
