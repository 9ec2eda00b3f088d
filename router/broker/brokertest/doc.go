// Package brokertest is the conformance suite of package broker: what must be the same on
// every backend.
//
// Whoever writes a backend runs it in a test:
//
//	func TestConformance(t *testing.T) {
//		server := startServer(t)
//		brokertest.Run(t, func(t testing.TB) broker.Broker {
//			b, err := mybroker.New(server.Addr)
//			if err != nil {
//				t.Fatal(err)
//			}
//			return b
//		}, brokertest.Crash(kill), brokertest.Away(unplug), brokertest.Cannot("a topic has the partitions it was created with", "streams have one"))
//	}
//
// Every case has a name, topics and groups of its own, and runs beside others in real time.
// It waits for what must happen and never for nothing to happen: that a record does not come
// again is seen by what comes after it.
//
// What a backend does not meet is declared with [Cannot], in one place, with the reason; the
// case is then reported as not met. The table of all cases and of what leat's own backends
// meet is docs/reference/conformance.md, which `make conformance` writes from what their tests
// say on real and embedded servers.
package brokertest

//go:generate go test -run TestReference . -update
