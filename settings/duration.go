package settings

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	errDuration = errors.New("is no duration")
	days        = regexp.MustCompile(`^(\d+)d(.*)$`)
)

// parseDuration reads what time.ParseDuration reads, and days in front: 7d, 1d12h.
func parseDuration(text string) (time.Duration, error) {
	m := days.FindStringSubmatch(text)
	if m == nil {
		return parseClock(text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > math.MaxInt64/int64(24*time.Hour) {
		return 0, errDuration
	}
	whole := time.Duration(n) * 24 * time.Hour
	if m[2] == "" {
		return whole, nil
	}
	rest, err := parseClock(m[2])
	if err != nil || rest < 0 || whole > math.MaxInt64-rest {
		return 0, errDuration
	}
	return whole + rest, nil
}

func parseClock(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errDuration
	}
	return d, nil
}

var errMillis = errors.New("is no whole number of milliseconds")

func parseMillis(text string) (time.Duration, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > math.MaxInt64/int64(time.Millisecond) || n < math.MinInt64/int64(time.Millisecond) {
		return 0, errMillis
	}
	return time.Duration(n) * time.Millisecond, nil
}

// showDuration is String without the zero units at its end: 1m, not 1m0s.
func showDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
