package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// Broker is the backend over Redis Streams.
type Broker struct {
	cfg     settings.Redis
	log     *slog.Logger
	options *redis.UniversalOptions
	client  redis.UniversalClient
	topics  *registry
	writer  *writer
	sends   *producer
	outputs *producer
	closing sync.Once
	closed  chan struct{}
}

var _ broker.Broker = (*Broker)(nil)

// New checks the settings and returns a broker that has dialed nothing yet. Zero settings
// mean their documented defaults.
func New(cfg settings.Redis, opts ...Option) (*Broker, error) {
	cfg = withDefaults(cfg)
	if err := validate(cfg); err != nil {
		return nil, err
	}
	o, err := clientOptions(cfg)
	if err != nil {
		return nil, err
	}
	b := &Broker{cfg: cfg, log: slog.Default(), options: o, closed: make(chan struct{})}
	for _, opt := range opts {
		opt.apply(b)
	}
	quietClient()
	b.client = newClient(b.options)
	b.topics = newRegistry(b.client, b.log)
	b.writer = newWriter(b.client, b.topics, b.log, cfg.StreamMaxLen)
	b.sends = &producer{w: b.writer, timeout: sendTimeout, room: newRoom(sendBytes)}
	b.outputs = &producer{w: b.writer}
	return b, nil
}

func withDefaults(cfg settings.Redis) settings.Redis {
	cfg.URL = cmp.Or(cfg.URL, "redis://localhost:6379/0")
	cfg.Delivery = cmp.Or(cfg.Delivery, "partitioned")
	cfg.Lease = cmp.Or(cfg.Lease, 15*time.Second)
	cfg.ClaimIdle = cmp.Or(cfg.ClaimIdle, time.Minute)
	cfg.GroupExpiry = cmp.Or(cfg.GroupExpiry, 7*24*time.Hour)
	cfg.AutoOffsetReset = cmp.Or(cfg.AutoOffsetReset, "earliest")
	cfg.MaxPollRecords = cmp.Or(cfg.MaxPollRecords, 500)
	return cfg
}

func validate(cfg settings.Redis) error {
	var errs []error
	if cfg.Delivery != "partitioned" && cfg.Delivery != "competing" {
		errs = append(errs, fmt.Errorf("redis.delivery %q is neither partitioned nor competing (set REDIS_DELIVERY)", cfg.Delivery))
	}
	if _, ok := starts[cfg.AutoOffsetReset]; !ok {
		errs = append(errs, fmt.Errorf("redis.auto_offset_reset %q is none of earliest, latest, none (set REDIS_AUTO_OFFSET_RESET)", cfg.AutoOffsetReset))
	}
	if cfg.Lease < 0 || cfg.MaxPollRecords < 0 || cfg.StreamMaxLen < 0 {
		errs = append(errs, errors.New("redis.lease, redis.max_poll_records and redis.stream_max_len must not be negative"))
	}
	return errors.Join(errs...)
}

var starts = map[string]broker.Start{
	"earliest": broker.StartEarliest, "latest": broker.StartLatest, "none": broker.StartNone,
}

func (b *Broker) start(s broker.Start) broker.Start {
	if s == broker.StartDefault {
		return starts[b.cfg.AutoOffsetReset]
	}
	return s
}

// Name is "redis".
func (b *Broker) Name() string { return "redis" }

// Connect waits until the server answers. It returns an error that wraps
// broker.ErrUnreachable and names address and setting when it did not before ctx ended, and
// at once when it refuses the login.
func (b *Broker) Connect(ctx context.Context) error {
	var last error
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := b.client.Ping(ctx).Err()
		switch {
		case err == nil:
			return nil
		case refusedLogin(err):
			return b.loginFault(err)
		case denied(err):
			return explain(err)
		case errors.Is(err, redis.ErrClosed):
			return broker.ErrClosed
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		if pause(ctx, wait) != nil {
			return b.unreachable(last)
		}
	}
}

// Ping tells whether the server answers now.
func (b *Broker) Ping(ctx context.Context) error {
	err := b.client.Ping(ctx).Err()
	switch {
	case err == nil:
		return nil
	case refusedLogin(err):
		return b.loginFault(err)
	case denied(err):
		return explain(err)
	}
	return b.unreachable(err)
}

// Sends is the producer of a service's own messages.
func (b *Broker) Sends() broker.Producer { return b.sends }

// Outputs is the producer of outputs and dead letters.
func (b *Broker) Outputs() broker.Producer { return b.outputs }

// Close flushes the producers until ctx ends and releases all connections.
func (b *Broker) Close(ctx context.Context) error {
	var err error
	b.closing.Do(func() {
		err = b.writer.flush(ctx)
		close(b.closed)
		b.writer.close()
		err = errors.Join(err, b.client.Close())
	})
	return err
}

// again repeats f while the connection is broken or the server asks for patience: a pooled
// connection may be stale after the server was restarted, and a cluster may just be moving.
func again(ctx context.Context, f func() error) error {
	wait := firstBackoff
	for range 5 {
		err := f()
		if err == nil || answered(err) && !passing(err) || errors.Is(err, redis.ErrClosed) {
			return err
		}
		if pause(ctx, wait) != nil {
			return err
		}
		wait *= 3
	}
	return f()
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
