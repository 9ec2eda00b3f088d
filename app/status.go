package app

import (
	"cmp"
	"context"
	"slices"

	"github.com/leat-go/leat/router/broker"
)

// BrokerStatus is how a service stands with a broker.
type BrokerStatus struct {
	Name       string `json:"name"`       // kafka, redis or memory
	Configured bool   `json:"configured"` // settings enable it, or it serves the topics
	Connected  bool   `json:"connected"`  // it answers now
	Ready      bool   `json:"ready"`      // connected, and all handlers consume
	Reason     string `json:"reason"`     // why it is not ready and what to do, "" when it is or nothing is started
}

// Status tells how the service stands with every broker. Of a service that is not started
// none is connected; with faulty settings none is configured either.
func (a *App) Status(ctx context.Context) []BrokerStatus {
	l := a.live.Load()
	p, err := a.plan()
	if l != nil {
		p, err = l.plan, nil
	}
	all := []BrokerStatus{{Name: kafkaName}, {Name: redisName}, {Name: memoryName}}
	if err != nil {
		return all
	}
	for i, s := range all {
		all[i].Configured = s.Name == p.served() || p.env.Broker == nil && slices.Contains(p.needed(), s.Name)
		if l != nil && all[i].Configured {
			all[i].judge(ping(ctx, l.broker, s.Name), l.router.Ready())
		}
	}
	return all
}

func (s *BrokerStatus) judge(away, notReady error) {
	s.Connected = away == nil
	s.Ready = s.Connected && notReady == nil
	if err := cmp.Or(away, notReady); err != nil {
		s.Reason = err.Error()
	}
}

func ping(ctx context.Context, b broker.Broker, name string) error {
	if many, ok := b.(*picked); ok {
		b = many.all[name]
	}
	return b.Ping(ctx)
}
