package avro

import (
	"context"
	"fmt"
	"sync"
)

// flights lets callers with the same question share one answer. The question goes on when
// the caller who put it leaves; it ends by itself after loadTimeout.
type flights[K comparable, T any] struct {
	mu   sync.Mutex
	open map[K]*flight[T]
}

type flight[T any] struct {
	done  chan struct{} // closed when the rest is there
	value T
	err   error
}

func (f *flights[K, T]) do(ctx context.Context, key K, ask func(context.Context) (T, error)) (T, error) {
	answer := f.join(ctx, key, ask)
	select {
	case <-answer.done:
		return answer.value, answer.err
	case <-ctx.Done():
		var none T
		return none, unavailable(fmt.Errorf("wait for the schema registry: %w", ctx.Err()))
	}
}

func (f *flights[K, T]) join(ctx context.Context, key K, ask func(context.Context) (T, error)) *flight[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if running := f.open[key]; running != nil {
		return running
	}
	if f.open == nil {
		f.open = map[K]*flight[T]{}
	}
	started := &flight[T]{done: make(chan struct{})}
	f.open[key] = started
	go f.fly(context.WithoutCancel(ctx), key, started, ask)
	return started
}

func (f *flights[K, T]) fly(ctx context.Context, key K, to *flight[T], ask func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	to.value, to.err = safely(func() (T, error) { return ask(ctx) })
	f.mu.Lock()
	delete(f.open, key)
	f.mu.Unlock()
	close(to.done)
}

// safely turns a panic of a library into an error.
func safely[T any](f func() (T, error)) (out T, err error) {
	defer noPanic(&err)
	return f()
}

// noPanic is deferred.
func noPanic(err *error) {
	if p := recover(); p != nil {
		*err = causeOf(nil, p)
	}
}

// causeOf is err, or what was recovered.
func causeOf(err error, recovered any) error {
	if recovered != nil {
		return fmt.Errorf("panic: %v", recovered)
	}
	return err
}
