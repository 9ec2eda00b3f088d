package app

import (
	"time"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/settings"
)

// handlerOptions lets workers.<name> override what code says about a handler, key by key.
func handlerOptions(s settings.Settings, name string) (opts []router.Option) {
	w, ok := s.Worker(name)
	if !ok {
		return nil
	}
	opts = append(opts, router.AdjustBackoff(func(b router.Backoff) router.Backoff { return adjusted(b, w) }))
	opts = with(opts, w.Group, router.Group)
	opts = with(opts, w.Concurrency, router.Concurrency)
	opts = with(opts, w.MaxRetries, router.MaxRetries)
	opts = with(opts, w.DLQTopic, func(t string) router.Option { return router.DeadLetter(prefixed(s, t)) })
	opts = with(opts, w.BatchSize, router.BatchSize)
	opts = with(opts, w.BatchWait, router.BatchWait)
	opts = with(opts, w.Timeout, router.Timeout)
	if w.Enabled != nil && !*w.Enabled {
		opts = append(opts, router.Disabled())
	}
	return opts
}

func with[V any](opts []router.Option, v *V, option func(V) router.Option) []router.Option {
	if v == nil {
		return opts
	}
	return append(opts, option(*v))
}

func adjusted(b router.Backoff, w settings.Worker) router.Backoff {
	if w.RetryBackoff != nil {
		b = b.Like(growth(*w.RetryBackoff, time.Second))
	}
	if w.InitialDelay != nil {
		b = b.Initial(*w.InitialDelay)
	}
	if w.MaxDelay != nil {
		b = b.Max(*w.MaxDelay)
	}
	return b
}

// growth is the backoff of a name.
func growth(name string, first time.Duration) router.Backoff {
	switch name {
	case "fixed":
		return router.Fixed(first)
	case "linear":
		return router.Linear(first)
	default:
		return router.Exponential(first)
	}
}
