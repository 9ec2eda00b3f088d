package cli

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRateSpacesMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := (&produceOptions{rate: "4/s"}).pace()
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		var at []time.Duration
		for range 4 {
			if !p.wait(t.Context()) {
				t.Fatal("the wait was cut short")
			}
			at = append(at, time.Since(begun))
		}
		if diff := cmp.Diff([]time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond}, at); diff != "" {
			t.Errorf("messages went at (-want +got):\n%s", diff)
		}
	})
}

func TestFeedEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var lines []string
	b := newBatch(&session{err: &strings.Builder{}}, "t")
	err := feed(ctx, strings.NewReader(strings.Repeat("1\n", 100)), &pace{}, b, func(_ context.Context, n int, line []byte) {
		lines = append(lines, strconv.Itoa(n)+string(line))
		b.done(n, nil)
		if len(lines) == 3 {
			cancel()
		}
	})
	if err != nil || len(lines) < 3 || len(lines) > 4 {
		t.Errorf("got %v after %d lines, want an end right after the third", err, len(lines))
	}
}

func TestFeedCountsBlankLines(t *testing.T) {
	t.Parallel()
	var lines []string
	b := newBatch(&session{err: &strings.Builder{}}, "t")
	err := feed(t.Context(), strings.NewReader("a\n\n  b \r\nc"), &pace{}, b, func(_ context.Context, n int, line []byte) {
		lines = append(lines, strconv.Itoa(n)+string(line))
	})
	if diff := cmp.Diff([]string{"1a", "3b", "4c"}, lines); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
