package router

import "sync/atomic"

// Stats counts what a person on call asks for. All but HeldUp count from the making of the
// router and never shrink.
type Stats struct {
	// Retries are failed attempts that another one follows.
	Retries int64 `json:"retries"`
	// DeadLetters are messages that were given up to a dead letter topic.
	DeadLetters int64 `json:"dead_letters"`
	// Dropped are messages that were given up under NoDeadLetter.
	Dropped int64 `json:"dropped"`
	// SchemaWaits are the seconds that keys have waited because a schema registry did not
	// answer or did not know a schema yet: each key whose first message or result waits adds
	// one for every time it asks, a second apart. While it grows nothing is lost; the log
	// names the messages, and Router.Ready the registry.
	SchemaWaits int64 `json:"schema_waits"`
	// HookFaults are hooks that failed, panicked or took too long.
	HookFaults int64 `json:"hook_faults"`
	// Overdue are handlers that still ran 30 seconds after their Timeout.
	Overdue int64 `json:"overdue"`
	// LostSends are messages that nobody waited for and that were not written.
	LostSends int64 `json:"lost_sends"`
	// HeldUp is how many things hold the router up at this moment: results that a broker or a
	// registry does not take, and handlers that are overdue.
	HeldUp int64 `json:"held_up"`
}

// Stats returns the counts of this moment. It is cheap and may be called by anybody at any
// time, before Run and after it too.
func (r *Router) Stats() Stats {
	c := &r.counters
	return Stats{
		Retries: c.retries.Load(), DeadLetters: c.deadLetters.Load(), Dropped: c.dropped.Load(), SchemaWaits: c.schemaWaits.Load(),
		HookFaults: c.hookFaults.Load(), Overdue: c.late.Load(), LostSends: c.asyncFailures.Load(), HeldUp: c.degraded.Load(),
	}
}

// counters are what Stats tells.
type counters struct {
	asyncFailures, dropped, deadLetters, retries, schemaWaits, hookFaults, late atomic.Int64
	degraded                                                                    atomic.Int64 // reasons not to be ready, now
}
