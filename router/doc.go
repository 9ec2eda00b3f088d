// Package router delivers messages from topics to typed handlers and publishes typed values.
// It is complete without fx; package app puts fx around the same verbs.
//
//	r := router.New(memory.New(), router.Service("billing"))
//	router.Work(r, Orders, Receipts, charge, router.Concurrency(8))
//	err := r.Run(ctx)
//
// Delivery is at least once: a message is done after its handler and the publishing of its
// results succeeded, and after a crash it may come again, so handlers should be idempotent.
// Messages of one key are handled one after the other in the order of the log, at any
// concurrency, also while one of them waits for a retry; other keys go on meanwhile. What
// fails for good, and what cannot be decoded, goes to a dead letter topic with its bytes,
// key and headers untouched.
//
// See [Consume] and [Work] for handlers, [Publisher] and [Producer] for publishing,
// [Option] for what can be chosen.
package router
