package cli

import (
	"testing"
	"time"

	"github.com/leat-go/leat/router/broker"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		from, to string
		atEnd    bool
		want     span
	}{
		"new messages by default":            {want: span{start: broker.StartLatest}},
		"all messages when there is an end":  {atEnd: true, want: span{start: broker.StartEarliest}},
		"all messages up to a time":          {to: "1h", want: span{start: broker.StartEarliest, till: now.Add(-time.Hour)}},
		"earliest":                           {from: "earliest", want: span{start: broker.StartEarliest}},
		"latest, though there is an end":     {from: "latest", atEnd: true, want: span{start: broker.StartLatest}},
		"so long ago":                        {from: "10m", want: span{start: broker.StartEarliest, since: now.Add(-10 * time.Minute)}},
		"so long ago with a sign":            {from: "-10m", want: span{start: broker.StartEarliest, since: now.Add(-10 * time.Minute)}},
		"a time":                             {from: "2026-03-01T11:00:00Z", want: span{start: broker.StartEarliest, since: now.Add(-time.Hour)}},
		"a day":                              {from: "2026-03-01", to: "now", want: span{start: broker.StartEarliest, since: now.Add(-12 * time.Hour), till: now}},
		"a time with another offset and end": {from: "2026-03-01T12:30:00+01:00", to: "2026-03-01T12:00:00Z", want: span{start: broker.StartEarliest, since: now.Add(-30 * time.Minute), till: now}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := spanOf(c.from, c.to, c.atEnd, now)
			if err != nil {
				t.Fatal(err)
			}
			if got.start != c.want.start || !got.since.Equal(c.want.since) || !got.till.Equal(c.want.till) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestSpanRefuses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range [][2]string{{"yesterday", ""}, {"", "never"}, {"1m", "1h"}} {
		if _, err := spanOf(c[0], c[1], false, now); err == nil || codeOf(t.Context(), err) != exitUsage {
			t.Errorf("from %q to %q: %v, want a usage error", c[0], c[1], err)
		}
	}
}
