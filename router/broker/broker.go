package broker

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/leat-go/leat/topics"
)

// Errors that callers tell apart.
var (
	// ErrClosed answers calls after Close.
	ErrClosed = errors.New("broker closed")
	// ErrTooLarge refuses a record for its size: sending it again is useless.
	ErrTooLarge = errors.New("message too large")
	// ErrOutcomeUnknown tells that a record was on its way when waiting for it ended: it
	// may have been written or may still be.
	ErrOutcomeUnknown = errors.New("outcome unknown: the message may have been written")
	// ErrUnreachable tells that no server answered.
	ErrUnreachable = errors.New("broker unreachable")
	// ErrNoTopic tells that a topic does not exist.
	ErrNoTopic = errors.New("topic does not exist")
	// ErrNoStart tells that a group has no position in a topic and [StartNone] forbids to choose one.
	ErrNoStart = errors.New("the group has no committed position")
)

// Broker is a backend. All methods may be called concurrently.
type Broker interface {
	// Name is "kafka", "redis" or "memory".
	Name() string
	// Connect dials the servers and returns an error that wraps ErrUnreachable and names the
	// addresses when none answered before ctx ended. It may be called again.
	Connect(ctx context.Context) error
	// Ping tells whether the servers answer now.
	Ping(ctx context.Context) error

	// Sends is the producer of a service's own messages: its buffer is bounded, Produce may
	// block for room, and waiting for the broker ends after Timeout.
	Sends() Producer
	// Outputs is the producer of what handlers return and of dead letters: an outage is
	// waited out, however long it lasts. Produce never blocks.
	Outputs() Producer

	// Join makes this process a member of a group for all of the group's subscriptions and
	// starts to deliver. It returns when the member is set up, perhaps before partitions
	// were assigned.
	Join(ctx context.Context, g Group) (Member, error)

	// Read yields the records of topics without a group, partitions interleaved. The error
	// is terminal.
	Read(ctx context.Context, r ReadOptions) iter.Seq2[*Record, error]

	// Topics lists the topics that exist, sorted by name, internal ones left out.
	Topics(ctx context.Context) ([]TopicInfo, error)
	// CreateTopics creates what does not exist and leaves alone what does.
	CreateTopics(ctx context.Context, ts ...TopicConfig) error

	// Close flushes the producers until ctx ends and releases all connections. What is left
	// then is told to its callers, and an error tells that something was. Members must be
	// closed before. Closing twice is no error.
	Close(ctx context.Context) error
}

// Producer writes records.
type Producer interface {
	// Produce hands r over. done is called exactly once, perhaps before Produce returns, and
	// must not block. Records of one key are written in the order of the calls. r must not
	// change before done, and is its caller's again from then on; the room behind its
	// Headers, between their length and their capacity, is the producer's until then. ctx
	// bounds only the wait for room in the buffer: an error then means that nothing was sent.
	Produce(ctx context.Context, r *Record, done func(Receipt, error))
	// Check returns an error that wraps ErrTooLarge when r could never be written, nil
	// when nothing speaks against it.
	Check(r *Record) error
	// Timeout is how long a caller should wait for done before it reports
	// ErrOutcomeUnknown; 0 is for ever.
	Timeout() time.Duration
	// Flush waits until everything handed over is done.
	Flush(ctx context.Context) error
}

// BatchProducer is a Producer that takes many records at once better than one by one.
type BatchProducer interface {
	// ProduceAll does for each record, in order, what Produce does; done gets its index. When
	// there is no room before ctx ends, nothing of all was sent.
	ProduceAll(ctx context.Context, rs []*Record, done func(i int, rc Receipt, err error))
}

// DirectProducer is a Producer that can write a record while its caller waits, with no goroutine between them.
type DirectProducer interface {
	// ProduceDirect does what Produce does, but takes as long as the server takes to answer. It reports false, and
	// has done nothing, when other records are on their way or ctx may end before the answer.
	ProduceDirect(ctx context.Context, r *Record, done func(Receipt, error)) bool
}

// Start says where a group begins that has no position in a topic yet.
type Start int

// The positions to start at.
const (
	StartDefault  Start = iota // what the backend's auto_offset_reset says
	StartEarliest              // the oldest message there is
	StartLatest                // messages published from now on
	StartNone                  // an error that wraps ErrNoStart
)

// Group is what one process reads as a member of a consumer group.
type Group struct {
	Name          string
	Subscriptions []Subscription
	// Broadcast makes this member read every partition on its own, without sharing or
	// keeping positions: each instance receives all messages. Start says from where.
	Broadcast bool
}

// Subscription is one topic of a group and the handler that takes its messages.
type Subscription struct {
	Topic string
	Kind  topics.Kind // "" when not declared
	Start Start
	// Concurrency is how many calls of the handler run at once.
	Concurrency int
	// Unordered gives messages without a key no order among each other.
	Unordered bool
	// BatchSize and BatchWait apply with HandleBatch: a batch is full at BatchSize and is
	// handed over at the latest BatchWait after its first message.
	BatchSize int
	BatchWait time.Duration
	Bounds    Bounds
	// Handle or HandleBatch is set. Both are called on the engine's workers and return when
	// every delivery was released, done, parked or returned. The slice belongs to the call.
	Handle      func(Delivery)
	HandleBatch func([]Delivery)
}

// Bounds limit what is delivered and not done. Zero values mean the defaults of package dispatch.
type Bounds struct {
	Records int   // of one handler
	Bytes   int64 // of one handler
	Span    int   // per partition, from the oldest unfinished to the newest delivered
}

// Delivery is a record in the hands of a handler. Exactly one of Done, Park and Return ends
// it; Release, Hold and Then may come before. Calls on a delivery whose partition was lost
// are ignored.
type Delivery interface {
	Record() *Record
	// Attempt counts from 1.
	Attempt() int
	// FirstFailed is when the first attempt failed; zero before.
	FirstFailed() time.Time
	// Context ends when the partition is lost or draining took too long: the handler should
	// stop, and its failure is no attempt.
	Context() context.Context
	// Release frees the worker's slot and the key: the next message of the key may run. The
	// record is not finished before Done.
	Release()
	// Hold stops the key of a released delivery until Done or Park.
	Hold()
	// Then runs f on a worker, in key order, before further messages of the key.
	Then(f func())
	// Done finishes the record for its group.
	Done()
	// Park gives the record back, to be delivered again at due as the given attempt. Its key
	// waits, nothing else does.
	Park(attempt int, due, firstFailed time.Time)
	// Return gives the record back unfinished, as if it had not been delivered: the owner of
	// the partition after this one delivers it again.
	Return()
}

// Member is this process in a group.
type Member interface {
	// Ready tells whether the member takes part: partitions assigned, or none to be had.
	Ready() bool
	// Failed receives the error that ended the member for good, if one did.
	Failed() <-chan error
	// Close stops fetching and dispatching, lets running handlers finish and their outputs
	// be acknowledged until ctx ends (then their contexts end), commits what is finished and
	// leaves the group. Closing twice is no error.
	Close(ctx context.Context) error
}

// Reasoned is a [Member] that can say why it is not ready.
type Reasoned interface {
	// Reason is "" when the member is ready.
	Reason() string
}

// NotReady returns nil when m is ready, else why it is not.
func NotReady(m Member) error {
	if m.Ready() {
		return nil
	}
	if r, ok := m.(Reasoned); ok && r.Reason() != "" {
		return errors.New(r.Reason())
	}
	return errors.New("waiting for partitions")
}

// ReadOptions says what to read without a group.
type ReadOptions struct {
	Topics []string
	// Start is where to begin; Since, when set, wins: the first record at or after it.
	Start Start
	Since time.Time
	// Until ends reading before the first record of a partition that is later. UntilEnd ends
	// it at what is the end of each partition when reading begins.
	Until    time.Time
	UntilEnd bool
}

// TopicConfig is how a topic should be created.
type TopicConfig struct {
	Name        string
	Kind        topics.Kind
	Partitions  int           // 0: the broker's default
	Replication int           // 0: the broker's default
	Retention   time.Duration // 0: 7 days; negative: for ever
	// ExtraBytes are allowed on top of the usual size limit of a message, for dead letters.
	ExtraBytes int
}

// TopicInfo is a topic that exists.
type TopicInfo struct {
	Name       string
	Partitions int
	Kind       topics.Kind // "" when the broker does not know it
}
