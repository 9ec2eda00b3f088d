package router

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// Defaults of handlers and of a service's life.
const (
	DefaultConcurrency     = 4
	DefaultRetries         = 3
	DefaultBatchSize       = 10
	DefaultBatchWait       = time.Second
	DefaultStartTimeout    = 15 * time.Second
	DefaultShutdownTimeout = 20 * time.Second
)

// Router holds what a service consumes and publishes, and runs it.
type Router struct {
	broker     broker.Broker
	service    string
	log        *slog.Logger
	conv       Conventions
	codecs     map[topics.Format]codec.Codec
	mw         []message.HandlerMiddleware
	decorators []message.PublisherDecorator
	defaults   []Option

	handlers []*handler
	declared map[string]topics.Spec
	written  map[string]bool        // topics of results and publishers
	known    map[string]topics.Spec // declared elsewhere in the service
	faults   []error

	outputs  *outputs
	counters counters
	prepared sync.Map  // names of topics that are known to exist
	blocks   sync.Pool // memory of records, see lot
	lones    sync.Pool
	running  chan struct{}
	runOnce  sync.Once
	members  atomic.Pointer[[]broker.Member]
}

// New returns a router over a broker. It connects to nothing before Run or the first publish.
func New(b broker.Broker, opts ...RouterOption) *Router {
	r := &Router{
		broker: b, service: "service", log: slog.Default(),
		codecs:   map[topics.Format]codec.Codec{topics.JSON: codec.JSON, topics.Raw: codec.Raw},
		declared: map[string]topics.Spec{}, written: map[string]bool{}, known: map[string]topics.Spec{}, running: make(chan struct{}),
	}
	for _, o := range opts {
		o.applyRouter(r)
	}
	r.conv = r.conv.withDefaults()
	r.outputs = newOutputs(r)
	return r
}

func (c Conventions) withDefaults() Conventions {
	c.DefaultTopic = cmp.Or(c.DefaultTopic, "events")
	c.DefaultFormat = cmp.Or(c.DefaultFormat, topics.JSON)
	c.StartTimeout = cmp.Or(c.StartTimeout, DefaultStartTimeout)
	c.ShutdownTimeout = cmp.Or(c.ShutdownTimeout, DefaultShutdownTimeout)
	return c
}

// HandlerInfo describes a handler.
type HandlerInfo struct {
	Name, Group, Topic string
	Out                string // topic of the results, "" when it has none
	DeadLetter         string // "" with NoDeadLetter
	Concurrency        int
	Retries            int
	BatchSize          int // 0 when it takes single messages
	Broadcast          bool
}

// Handlers describes the handlers in the order of their declaration, disabled ones left out.
func (r *Router) Handlers() []HandlerInfo {
	infos := make([]HandlerInfo, len(r.handlers))
	for i, h := range r.handlers {
		infos[i] = h.info
	}
	return infos
}

// Topics returns what handlers and publishers declared, sorted by name.
func (r *Router) Topics() []topics.Spec {
	return slices.SortedFunc(maps.Values(r.declared), func(a, b topics.Spec) int { return cmp.Compare(a.Name, b.Name) })
}

// Writes reports whether a handler's results or a publisher were declared for a topic, by its
// name at the broker. What is sent by name alone is not declared.
func (r *Router) Writes(topic string) bool { return r.written[topic] }

// Use adds middleware for handlers that are declared from now on.
func (r *Router) Use(mw ...message.HandlerMiddleware) { r.mw = append(r.mw, mw...) }

// Validate reports all faults of the wiring together. It connects to nothing.
func (r *Router) Validate() error {
	return errors.Join(slices.Concat(r.faults, r.handlerFaults(), r.topicFaults())...)
}

func (r *Router) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

func (r *Router) handlerFaults() (errs []error) {
	for i, h := range r.handlers {
		for _, o := range r.handlers[:i] {
			errs = append(errs, clash(o, h)...)
		}
	}
	return errs
}

func clash(a, b *handler) (errs []error) {
	if a.info.Name == b.info.Name && a.info.Name != "" {
		errs = append(errs, fmt.Errorf("%s is the name of two handlers: give one of them router.Name", a.info.Name))
	}
	if a.info.Topic != b.info.Topic || a.cfg.broadcast || b.cfg.broadcast {
		return errs
	}
	if a.info.Group == b.info.Group {
		return append(errs, fmt.Errorf("%s and %s are both in group %s on topic %s: give one of them router.Group",
			a.info.Name, b.info.Name, a.info.Group, a.info.Topic))
	}
	if a.in.Kind == topics.KindCommand || b.in.Kind == topics.KindCommand {
		errs = append(errs, fmt.Errorf("%s is a command and has two groups, %s of %s and %s of %s: only one group may read a command",
			a.info.Topic, a.info.Group, a.info.Name, b.info.Group, b.info.Name))
	}
	return errs
}

// declareOut is declare for a topic that the service writes.
func (r *Router) declareOut(s topics.Spec) topics.Spec {
	s = r.declare(s)
	r.written[s.Name] = true
	return s
}

// declare notes a topic after settings had their say.
func (r *Router) declare(s topics.Spec) topics.Spec {
	s = r.specOf(s)
	old, ok := r.declared[s.Name]
	switch {
	case ok && s.Type == nil: // a plain handler's: it takes bytes of any type
		return s
	case ok && old.Type != nil && old.Type != s.Type:
		r.fault("topic %s is declared with %s and with %s", s.Name, old.Type, s.Type)
	case ok && old.Type != nil && old.KeyFormat != s.KeyFormat:
		r.fault("topic %s is declared with keys as %s and as %s", s.Name, keysAs(old), keysAs(s))
	}
	r.declared[s.Name] = s
	return s
}

// Spec returns a topic as settings have it: its name, partitions and format at the broker.
func (r *Router) Spec(s topics.Spec) topics.Spec { return r.specOf(s) }

// CodecFor returns the codec of a format, nil when there is none.
func (r *Router) CodecFor(f topics.Format) codec.Codec { return r.codecs[f] }

func (r *Router) topicFaults() (errs []error) {
	for _, s := range r.Topics() {
		switch c, ok := r.codecs[s.Format]; {
		case s.Name == "":
			errs = append(errs, fmt.Errorf("a topic of %s has no name", s.Type))
		case s.Kind == topics.KindState && s.Key == nil:
			errs = append(errs, fmt.Errorf("topic %s is a state and needs a Key", s.Name))
		case !ok:
			errs = append(errs, fmt.Errorf("topic %s has format %q, for which there is no codec: add router.Codec(%q, …)", s.Name, s.Format, s.Format))
		default:
			errs = append(errs, check(c, s)...)
		}
		if err := r.keyFault(s); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func check(c codec.Codec, s topics.Spec) []error {
	errs := caseFaults(s)
	checker, ok := c.(codec.Checker)
	if !ok || len(errs) > 0 {
		return errs
	}
	for _, one := range s.Each() {
		errs = append(errs, checker.Check(subject(one)))
	}
	return errs
}

func subject(s topics.Spec) codec.Subject {
	return codec.Subject{Topic: s.Name, Type: s.Type, Namespace: s.Namespace, Several: len(s.Cases) > 0}
}
