package cli

import (
	"fmt"
	"slices"
	"strings"
)

var fold = strings.NewReplacer(".", "-", "_", "-")

// canonical is the one spelling of all names that are equal: '.', '-' and '_' are, and so
// are upper and lower case.
func canonical(name string) string { return strings.ToLower(fold.Replace(name)) }

func same(a, b string) bool { return canonical(a) == canonical(b) }

// unknown says that there is no such thing, and what may have been meant.
func unknown(what, name string, known []string) error {
	if len(known) == 0 {
		return usagef("no %s %q: there are none", what, name)
	}
	if near := nearest(name, known); near != "" {
		return usagef("no %s %q: did you mean %s? There are %s", what, name, near, list(known))
	}
	return usagef("no %s %q: there are %s", what, name, list(known))
}

const mostListed = 20

func list(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if more := len(names) - mostListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostListed], ", "), more)
	}
	return strings.Join(names, ", ")
}

// nearest is the name that is closest, or contains what was typed; "" when none is close.
func nearest(name string, known []string) string {
	best, least := "", 1+max(2, len(name)/3)
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(canonical(name), canonical(k)); d < least {
			best, least = k, d
		}
	}
	if best != "" || len(name) < 3 {
		return best
	}
	i := slices.IndexFunc(known, func(k string) bool { return strings.Contains(canonical(k), canonical(name)) })
	if i < 0 {
		return ""
	}
	return known[i]
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
