package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/leat-go/leat/router/broker"
)

// span says what part of a topic is read.
type span struct {
	start       broker.Start
	since, till time.Time
}

// spanOf reads --from and --to. Without from, reading begins with new messages, or with the
// oldest when it has an end.
func spanOf(from, to string, atEnd bool, now time.Time) (sp span, err error) {
	switch from {
	case "":
		sp.start = broker.StartLatest
		if to != "" || atEnd {
			sp.start = broker.StartEarliest
		}
	case "earliest", "start", "beginning":
		sp.start = broker.StartEarliest
	case "latest", "end":
		sp.start = broker.StartLatest
	default:
		sp.start = broker.StartEarliest
		if sp.since, err = moment(from, now); err != nil {
			return sp, usagef("--from %s: want earliest, latest, a time such as 2026-01-31T12:00:00Z or a duration such as 1h", from)
		}
	}
	if to == "" {
		return sp, nil
	}
	if sp.till, err = moment(to, now); err != nil {
		return sp, usagef("--to %s: want a time such as 2026-01-31T12:00:00Z or a duration such as 10m", to)
	}
	if !sp.since.IsZero() && sp.till.Before(sp.since) {
		return sp, usagef("--to %s is before --from %s", to, from)
	}
	return sp, nil
}

// moment reads a time, a day, or a duration before now.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	if d, err := time.ParseDuration(strings.TrimPrefix(text, "-")); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", text)
}
