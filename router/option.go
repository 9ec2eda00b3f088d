package router

import (
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Option says how a handler is used. An option without effect on its handler is a fault.
type Option interface{ apply(c *config) }

// RouterOption configures a [Router].
type RouterOption interface{ applyRouter(r *Router) } //nolint:revive // Option is what handlers have

// SendOption changes one publish.
type SendOption interface{ applySend(o *sending) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type routerFunc func(*Router)

func (f routerFunc) applyRouter(r *Router) { f(r) }

type sendFunc func(*sending)

func (f sendFunc) applySend(o *sending) { f(o) }

// config is what the options of a handler add up to.
type config struct {
	name, group       string
	concurrency       int
	unordered         bool
	retries           int
	backoff           Backoff
	dead              string
	noDead            bool
	timeout           time.Duration
	batchSize         int
	batchWait         time.Duration
	mw                []message.HandlerMiddleware
	from              broker.Start
	broadcast         bool
	skipUnknown       bool
	disabled          bool
	onError, onDead   []any
	onSuccess, onDone []any
	faults            []error
	batchOptions      []string // options that only batch handlers may have
}

// Name names the handler in logs, settings and commands. Default: the function's name without
// its package (Mailer.Welcome); an anonymous function needs one.
func Name(n string) Option { return optionFunc(func(c *config) { c.name = n }) }

// Group names the consumer group. Handlers of one group share the messages of a topic; each
// group receives all of them. Default: the service name.
func Group(g string) Option { return optionFunc(func(c *config) { c.group = g }) }

// Concurrency is how many calls of the handler run at once; messages of one key never do.
// Default: 4.
func Concurrency(n int) Option { return optionFunc(func(c *config) { c.concurrency = n }) }

// Unordered lets messages without a key overtake each other. Default: those of one partition
// are handled one after the other.
func Unordered() Option { return optionFunc(func(c *config) { c.unordered = true }) }

// Retry tries a failed message n times more after the first attempt, with the waits of b.
// Default: 3 retries, exponential from 1 s.
func Retry(n int, b Backoff) Option {
	return optionFunc(func(c *config) { c.retries, c.backoff = n, b })
}

// MaxRetries changes the number of retries and keeps the backoff.
func MaxRetries(n int) Option { return optionFunc(func(c *config) { c.retries = n }) }

// AdjustBackoff changes the backoff that other options chose. It serves settings that
// override a part of it.
func AdjustBackoff(f func(Backoff) Backoff) Option {
	return optionFunc(func(c *config) { c.backoff = f(c.backoff) })
}

// DeadLetter names the topic for messages that failed for good. Default:
// Conventions.DeadLetterTopic, else the topic's name with ".dlq".
func DeadLetter(topic string) Option { return optionFunc(func(c *config) { c.dead = topic }) }

// NoDeadLetter drops messages that failed for good: they are logged and counted.
func NoDeadLetter() Option { return optionFunc(func(c *config) { c.noDead = true }) }

// Timeout ends the context of an attempt after d. The attempt itself ends when the handler
// returns; only then may the next message of its key run. Default: none.
func Timeout(d time.Duration) Option { return optionFunc(func(c *config) { c.timeout = d }) }

// BatchSize is the largest number of messages of a batch handler's call. Default: 10.
func BatchSize(n int) Option {
	return optionFunc(func(c *config) {
		c.batchSize = n
		c.batchOptions = append(c.batchOptions, "BatchSize")
	})
}

// BatchWait is how long a batch waits for more after its first message. Default: 1 s.
func BatchWait(d time.Duration) Option {
	return optionFunc(func(c *config) {
		c.batchWait = d
		c.batchOptions = append(c.batchOptions, "BatchWait")
	})
}

// Start is where a group begins that has no position in a topic.
type Start = broker.Start

// The places to start at.
const (
	Earliest = broker.StartEarliest // with the oldest message
	Latest   = broker.StartLatest   // with the next message
	None     = broker.StartNone     // not at all: an error
)

// From says where a group begins that is new to the topic. Default: the broker's setting
// auto_offset_reset, which is earliest.
func From(s Start) Option { return optionFunc(func(c *config) { c.from = s }) }

// Broadcast gives every instance of the service all messages, without sharing or keeping a
// position: each starts where From says, by default with the next message.
func Broadcast() Option { return optionFunc(func(c *config) { c.broadcast = true }) }

// Options bundles options into one.
func Options(opts ...Option) Option {
	return optionFunc(func(c *config) {
		for _, o := range opts {
			o.apply(c)
		}
	})
}

// Disabled leaves the handler out. It serves settings such as workers.<name>.enabled.
func Disabled() Option { return optionFunc(func(c *config) { c.disabled = true }) }

// Invalid is an option that is reported as a fault of its handler. It serves packages that
// make options of their own.
func Invalid(err error) Option {
	return optionFunc(func(c *config) { c.faults = append(c.faults, err) })
}

type useOption []message.HandlerMiddleware

func (u useOption) apply(c *config)       { c.mw = append(c.mw, u...) }
func (u useOption) applyRouter(r *Router) { r.mw = append(r.mw, u...) }

// Use adds middleware, outermost first: to one handler, or to all when given to [New].
// Any middleware of Watermill fits. Around a batch handler it runs once per batch with a
// carrier message.
func Use(mw ...message.HandlerMiddleware) interface {
	Option
	RouterOption
} {
	return useOption(mw)
}

// Service names the service, which is the default group. Default: "service".
func Service(name string) RouterOption { return routerFunc(func(r *Router) { r.service = name }) }

// Codec says who encodes a format. JSON and Raw are set; Avro needs codec/avro.
func Codec(f topics.Format, c codec.Codec) RouterOption {
	return routerFunc(func(r *Router) { r.codecs[f] = c })
}

// Knows tells of topics that the rest of the service declares, as settings have them: a
// Producer applies their keys, types and formats, and nothing is created for them.
func Knows(specs ...topics.Spec) RouterOption {
	return routerFunc(func(r *Router) {
		for _, s := range specs {
			r.known[s.Name] = s
		}
	})
}

// Logger receives what the router has to tell. Default: slog.Default().
func Logger(l *slog.Logger) RouterOption { return routerFunc(func(r *Router) { r.log = l }) }

// Defaults are options for every handler; a handler's own win.
func Defaults(opts ...Option) RouterOption {
	return routerFunc(func(r *Router) { r.defaults = append(r.defaults, opts...) })
}

// UsePublish decorates the Watermill publisher that [NewMessagePublisher] returns, the first
// one outermost.
func UsePublish(d ...message.PublisherDecorator) RouterOption {
	return routerFunc(func(r *Router) { r.decorators = append(r.decorators, d...) })
}

// Conventions are what settings decide for a whole service. The zero value is the default.
type Conventions struct {
	// DefaultTopic is where Producer.Send sends without a topic. Default: "events".
	DefaultTopic string
	// DefaultFormat encodes topics without a Format. Default: JSON.
	DefaultFormat topics.Format
	// DeadLetterTopic receives what fails for good, unless a handler says otherwise.
	// Default: the topic's name with ".dlq".
	DeadLetterTopic string
	// EventSource, when set, adds CloudEvents headers (binary mode) to what is published.
	EventSource string
	// FireAndForget makes the service's own publishes return before they are acknowledged.
	// Outputs of handlers and dead letters are not concerned.
	FireAndForget bool
	// RequireTopics makes a missing topic an error at start. Default: it is created.
	RequireTopics bool
	// StartTimeout bounds connecting. Default: 15 s.
	StartTimeout time.Duration
	// ShutdownTimeout is how long handlers may go on when the service stops. Default: 20 s.
	ShutdownTimeout time.Duration
	// Bounds limit what is delivered and not done, per handler.
	Bounds broker.Bounds
	// Topic, when set, may change what code declared: names, partitions, formats.
	Topic func(topics.Spec) topics.Spec
	// Handler, when set, returns options that win over those in code.
	Handler func(name string) []Option
}

func (c Conventions) applyRouter(r *Router) { r.conv = c }
