// Package routertest is the conformance suite of what handlers are promised: retries, order,
// dead letters, outputs and stops mean the same through every door into the delivery engine,
// on every broker.
//
// The doors are handlers of [router.Consume] and [router.Work], which run on the engine's own
// workers, and plain Watermill handlers of [router.Router.Handle], which run in a
// message.Router. A backend that passes package brokertest runs this suite too:
//
//	func TestDoors(t *testing.T) {
//		routertest.Run(t, func(t testing.TB) broker.Broker { return connect(t) })
//	}
//
// What a backend does not meet is declared with [Cannot], in one place, with the reason.
package routertest
