package bench

import "golang.org/x/sync/errgroup"

// byKey handles the messages of a key one after the other and those of several keys at once, and returns when
// all are handled: the shortest that one writes by hand for handlers that wait.
func byKey[M any](ms []M, atOnce int, key func(M) string, handle func([]M) error) error {
	lines := map[string][]M{}
	for _, m := range ms {
		lines[key(m)] = append(lines[key(m)], m)
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, line := range lines {
		g.Go(func() error { return handle(line) })
	}
	return g.Wait()
}
