package redis

import (
	"context"
	"fmt"
	"strings"
)

// Ready tells whether the member takes part in every topic.
func (m *member) Ready() bool { return m.Reason() == "" }

// Reason tells why the member is not ready and what to do about it, "" when it is.
func (m *member) Reason() string {
	if why := m.failure.Load(); why != nil {
		return *why
	}
	for _, in := range m.intake {
		if !in.ready.Load() {
			return in.reason()
		}
	}
	return ""
}

func (in *intake) reason() string {
	if why := in.why.Load(); why != nil {
		return *why
	}
	return fmt.Sprintf("group %s: waiting for partitions of topic %s", in.m.group.Name, in.sub.Topic)
}

// settled notes whether the intake has what it should have.
func (in *intake) settled(ready bool) {
	if ready {
		in.why.Store(nil)
	}
	in.ready.Store(ready)
}

// hindered keeps err as the reason why the intake is not ready, until it is.
func (in *intake) hindered(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	why := fmt.Sprintf("group %s on topic %s waits: %v", in.m.group.Name, in.sub.Topic, in.m.b.advise(err))
	in.why.Store(&why)
}

// trouble is an error that a reader of the intake met last.
func (in *intake) trouble() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, o := range in.owners {
		if err := o.reader.trouble.Load(); err != nil && *err != nil && !noGroup(*err) {
			return *err
		}
	}
	return nil
}

// advice is what answers of a server mean, by their first word, and what to do about them.
var advice = []struct{ code, text string }{
	{"OOM", "redis at %s is full: raise maxmemory or remove data"},
	{"READONLY", "redis at %s is a read-only replica: let REDIS_URL name the master, or set REDIS_SENTINEL_ADDRS and REDIS_SENTINEL_MASTER"},
	{"MASTERDOWN", "redis at %s is a replica without its master: let REDIS_URL name a master that runs"},
	{"CLUSTERDOWN", "the redis cluster at %s is down: bring back the nodes whose slots are not served (CLUSTER INFO, CLUSTER NODES)"},
	{"LOADING", "redis at %s is still loading its data: wait"},
	{"MISCONF", "redis at %s cannot save its data: see its log and its disk"},
	{"NOREPLICAS", "redis at %s has fewer replicas than min-replicas-to-write: bring them back"},
	{"BUSY ", "redis at %s is busy with a script: end it by SCRIPT KILL"},
	{"ERR max number of clients", "redis at %s has too many clients: raise maxclients"},
}

// advise says what to do about an error of the server.
func (b *Broker) advise(err error) error {
	switch {
	case denied(err):
		return explain(err)
	case refusedLogin(err):
		return b.loginFault(err)
	case !answered(err):
		return fmt.Errorf("redis at %s does not answer: start it, or set %s: %w", b.addrs(), b.addressSetting(), err)
	}
	for _, a := range advice {
		if strings.HasPrefix(err.Error(), a.code) {
			return fmt.Errorf(a.text+": %w", b.addrs(), err)
		}
	}
	return err
}

// addressSetting is the environment name of where the servers are.
func (b *Broker) addressSetting() string {
	if b.options.MasterName != "" {
		return "REDIS_SENTINEL_ADDRS"
	}
	return "REDIS_URL"
}
