package kafka

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// renewAfter bounds how often a producer gets a new client.
const renewAfter = time.Second

// forbidden tells that the servers let this user write to no topic at all.
func forbidden(err error) bool { return errors.Is(err, kerr.ClusterAuthorizationFailed) }

// renew gives the producer another client soon. One that was told that it may write to no
// topic fails everything from then on and never asks again, so that nothing waits in it.
func (p *producer) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.renewing || p.closed.Load() {
		return
	}
	p.renewing = true
	p.tasks.Go(func() {
		select {
		case <-p.closing:
		case <-time.After(renewAfter):
			p.swap()
		}
	})
}

// swap keeps the former client until the next time: somebody may be about to use it.
func (p *producer) swap() {
	cl, err := p.dial()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renewing = false
	if err != nil {
		return // the same options were good once
	}
	if p.former != nil {
		p.former.Close()
	}
	p.former = p.cl.Swap(cl)
}
