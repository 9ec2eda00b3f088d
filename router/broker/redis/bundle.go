package redis

import (
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// bundle is what goes to the server in one go.
type bundle struct {
	whole  bool // all of it is written or nothing
	writes []*write
}

// exec sends a batch and returns why some of it was not written, nil when no record is to
// blame but others of its bundle. Of a stream all is written or nothing: a record that the
// server refuses for a moment, being full for instance, would be overtaken by the next.
func (w *writer) exec(batch []*write) error {
	if len(batch) == 1 && w.limit.max <= 0 {
		return w.sendOne(batch[0])
	}
	bundles := w.bundles(batch)
	errs := make([]error, len(bundles))
	var wg sync.WaitGroup
	for i, b := range bundles[1:] {
		wg.Go(func() { errs[i+1] = w.sendBundle(b) })
	}
	errs[0] = w.sendBundle(bundles[0])
	wg.Wait()
	return errors.Join(errs...)
}

// sendOne spares what only several need.
func (w *writer) sendOne(x *write) error {
	x.cmd = w.command(w.client, x)
	if err := x.cmd.Err(); err != nil && passing(err) {
		return err
	}
	return nil
}

// bundles keeps together what one command can, which in a cluster is what one slot has.
func (w *writer) bundles(batch []*write) (bs []bundle) {
	if _, ok := w.client.(*redis.ClusterClient); !ok {
		return []bundle{{severalOfOne(batch), batch}}
	}
	streams := map[string][]*write{}
	for _, x := range batch {
		streams[x.stream] = append(streams[x.stream], x)
	}
	var single []*write
	for _, xs := range streams {
		if len(xs) == 1 {
			single = append(single, xs...)
			continue
		}
		bs = append(bs, bundle{true, xs})
	}
	if len(single) > 0 {
		bs = append(bs, bundle{false, single})
	}
	return bs
}

// severalOfOne tells whether a stream gets more than one record.
func severalOfOne(batch []*write) bool {
	seen := map[string]bool{}
	for _, x := range batch {
		if seen[x.stream] {
			return true
		}
		seen[x.stream] = true
	}
	return false
}

func (w *writer) sendBundle(b bundle) error {
	pipe := w.client.Pipeline()
	if b.whole {
		pipe = w.client.TxPipeline()
	}
	grows := map[string]bool{}
	for _, x := range b.writes {
		x.cmd = w.command(pipe, x)
		if w.limit.max > 0 && !x.compacts {
			grows[x.stream] = true
		}
	}
	bounds := w.limit.bound(w.ctx, pipe, grows)
	_, _ = pipe.Exec(w.ctx) // every command has its error
	w.limit.settle(w.ctx, bounds)
	for _, x := range b.writes {
		if err := x.cmd.Err(); err != nil && !redis.IsExecAbortError(err) && passing(err) {
			return err
		}
	}
	return nil
}
