package router_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
)

// away is a broker that connects and then answers nothing until it is back.
type away struct {
	broker.Broker
	back time.Time
}

func (a *away) Topics(ctx context.Context) ([]broker.TopicInfo, error) {
	if err := a.gone(); err != nil {
		return nil, err
	}
	return a.Broker.Topics(ctx)
}

func (a *away) CreateTopics(ctx context.Context, ts ...broker.TopicConfig) error {
	if err := a.gone(); err != nil {
		return err
	}
	return a.Broker.CreateTopics(ctx, ts...)
}

func (a *away) gone() error {
	if time.Now().Before(a.back) {
		return fmt.Errorf("ask: %w", broker.ErrUnreachable)
	}
	return nil
}

func TestAStartWaitsForABrokerThatGoesAway(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		away time.Duration
		want error
	}{
		"for a moment":              {2 * time.Second, nil},
		"longer than a start waits": {time.Hour, broker.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { startWith(t, tt.away, tt.want) })
		})
	}
}

func startWith(t *testing.T, gone time.Duration, want error) {
	t.Helper()
	r := newRouter(&away{memory.New(), time.Now().Add(gone)})
	router.Consume(r, orders, func(context.Context, order) error { return nil }, router.Name("h"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- r.Run(ctx) }()
	select {
	case <-r.Running():
		cancel()
	case err := <-ended:
		ended <- err
	}
	took := time.Since(began)
	if err := <-ended; !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	if took < 2*time.Second || took > time.Minute {
		t.Errorf("it took %v", took)
	}
}
