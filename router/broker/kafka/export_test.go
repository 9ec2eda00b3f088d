package kafka

import "github.com/leat-go/leat/router/broker"

// Crash ends a member without draining and without a commit.
func Crash(joined broker.Member) {
	ms := joined.(*membership)
	ms.stop()
	ms.running.Wait()
	m := ms.now
	m.closing.Do(func() {
		m.stopPolling()
		m.polling.Wait()
		m.cl.AllowRebalance()
		m.stopRest()
		m.rest.Wait()
		drop(m.takeAll(func(*part) bool { return true }))
		m.cl.CloseAllowingRebalance()
		m.closeEngines()
	})
}

// LapseAndRecover is what happens to a member that was silent for longer than its session
// and turns out to be a member still.
func LapseAndRecover(joined broker.Member) {
	m := joined.(*membership).current()
	m.recover(m.lapse())
}

// Explain is what callers learn of a record that was not written.
func Explain(topic string, err error) error { return explain(topic, err) }
