package brokertest

import (
	"time"

	"github.com/leat-go/leat/router/broker"
)

// Option changes what [Run] expects.
type Option interface{ apply(*suite) }

type optionFunc func(*suite)

func (f optionFunc) apply(s *suite) { f(s) }

// Cannot declares that the backend does not meet a case, and why. The case does not run and
// is reported as not met. A name that no case has fails the test.
func Cannot(name, reason string) Option {
	return optionFunc(func(s *suite) { s.cannot[name] = reason })
}

// NotFor declares that a case means nothing for the backend, and why. The case does not run
// and is reported as not applicable. A name that no case has fails the test.
func NotFor(name, reason string) Option {
	return optionFunc(func(s *suite) { s.notFor[name] = reason })
}

// Crash says how an instance ends as a process that dies does: its members neither drain nor
// commit, and what its handlers do from then on has no effect. b is what open returned. The
// suite closes b and ms later all the same, with little time; that should not wait for ever.
// Without it the cases with a crash do not run, which is reported.
func Crash(f func(b broker.Broker, ms []broker.Member)) Option {
	return optionFunc(func(s *suite) { s.crash = f })
}

// Away says how the way from one client to its server breaks: once f returned, nothing that b sends
// arrives or is answered. What b sent before may have arrived, and its answer be lost. b is what
// open returned; other clients of the server are left alone. back mends the way; it is called
// once, perhaps after b was closed. See [Line] and [Lines]. Without Away the cases of an outage
// do not run, which is reported.
func Away(f func(b broker.Broker) (back func())) Option {
	return optionFunc(func(s *suite) { s.away = f })
}

// Patience is how long a case waits for what must happen before it fails. Default one minute.
func Patience(d time.Duration) Option {
	return optionFunc(func(s *suite) { s.patience = d })
}

// AtOnce is how many cases run at once. They wait more than they work. Default 8.
func AtOnce(n int) Option {
	return optionFunc(func(s *suite) { s.atOnce = max(n, 1) })
}
