package bench

import (
	"fmt"
	"strconv"
)

// String is the ratio for people, "–" for one to what was not run.
func (s *Span) String() string {
	if s == nil {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s)", Number(s.Median), Number(s.Min), Number(s.Max))
}

// Number prints three digits or all before the point.
func Number(v float64) string {
	switch {
	case v >= 1000:
		return strconv.Itoa(int(v/100) * 100)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Value is the median of a row with its spread.
func (r Row) Value() string {
	return fmt.Sprintf("%s %s (%s–%s)", Number(r.Median), r.Unit, Number(r.Min), Number(r.Max))
}
