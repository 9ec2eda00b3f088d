package apptest

import (
	"context"
	"fmt"
	"strings"
)

// seen says what is on the topics, for a test that misses something.
func seen(a *App) string {
	infos, _ := memoryOf(a).Topics(context.Background())
	var lines []string
	for _, i := range infos {
		recs := records(a, i.Name)
		if len(recs) == 0 {
			continue
		}
		line := fmt.Sprintf("%s: %d", i.Name, len(recs))
		last := newDead(recs[len(recs)-1])
		if last.Error != "" {
			line += fmt.Sprintf(" (the last by %s: %s)", last.Handler, last.Error)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return "no messages"
	}
	return "\n\t" + strings.Join(lines, "\n\t")
}
