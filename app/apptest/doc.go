// Package apptest runs services in tests.
//
//	func TestWelcomesNewUsers(t *testing.T) {
//		a := apptest.New(t, Service)
//		apptest.Publish(t, a, Users, UserCreated{ID: "1"})
//		if got := apptest.Wait(t, a, Mails, 1); got[0].UserID != "1" {
//			t.Errorf("got %+v", got)
//		}
//	}
//
// A service under test runs on the memory broker, with its own settings: neither environment
// nor files have a say, app.Defaults does. HTTP servers and tasks are left out. Every test has
// a service and a broker of its own, so tests may run in parallel, and inside a bubble of
// testing/synctest, where waiting for retries takes no time.
package apptest
