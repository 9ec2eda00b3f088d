// Package app is a service: the verbs of package router with fx on the outside.
//
//	func main() {
//		cli.Main(app.New(
//			fx.Provide(NewMailer),
//			app.Publish(Users),
//			app.Work(Users, Mails, Mailer.Welcome, router.Group("mailer")),
//			app.Serve(API.Server),
//		))
//	}
//
// Settings alone decide where it runs: with KAFKA_ENABLED=true on Kafka, with
// REDIS_ENABLED=true on Redis, with neither in memory. There is no configure call.
//
// A handler is a method expression: fx supplies its receiver D. D is a struct that embeds
// fx.In, any type or pointer that a constructor provides, or a struct without fields, which
// needs no provider. A handler that does not fit its topic does not compile. What only the
// whole wiring can show (two handlers of one name, a dependency that nobody provides) is
// reported at start, all together as a [FaultError], before any constructor runs and before
// any connection.
//
// fx provides to everybody: [router.Producer] (and under the names "kafka" and "redis" the
// one of that broker), [router.Publisher] of every topic in [Publish], *slog.Logger,
// settings.Settings and *settings.Settings, *router.Router, broker.Broker, and Watermill's
// message.Publisher and message.Subscriber.
//
// On a stop HTTP servers end first, then tasks, then handlers; then what they published is
// flushed and the connections are closed.
//
// Package apptest runs services in tests.
package app
