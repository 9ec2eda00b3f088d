// Package topics declares what flows where. A topic is a value: a name, the type of its
// messages, how they are keyed, kept and encoded.
//
//	var Orders = topics.Event[Order]{Name: "orders", Key: Order.CustomerID, Partitions: 3}
//
// Three kinds exist. An [Event] tells what happened and may have any number of consumer
// groups. A [Command] asks for something and has exactly one group. A [State] keeps the
// newest value of each key for ever. Declaring a topic connects to nothing; package router
// or app brings it to life.
package topics

import (
	"fmt"
	"reflect"
	"time"
)

// Format names how values become bytes.
type Format string

// The formats.
const (
	JSON Format = "json" // JSON is the default.
	Avro Format = "avro" // Avro needs a codec: see package codec/avro.
	Raw  Format = "raw"  // Raw passes bytes through; T must be []byte.
)

// Kind tells an event from a command and a state.
type Kind string

// The kinds of topics.
const (
	KindEvent   Kind = "event"
	KindCommand Kind = "command"
	KindState   Kind = "state"
)

// Topic is a named stream of T: an [Event], a [Command] or a [State].
type Topic[T any] interface {
	// Spec describes the topic to brokers, codecs and tools.
	Spec() Spec
	// KeyOf returns the key of v, "" when the topic has no Key.
	KeyOf(v T) string
	sealed()
}

// Spec is what brokers, codecs and the command line know of a topic.
type Spec struct {
	Name string
	Kind Kind
	Type reflect.Type // of the values
	// Key returns the key of a value of Type; nil when the topic has none.
	Key                     func(v any) (string, error)
	Partitions, Replication int
	Retention               time.Duration
	Format                  Format
	Namespace               string
	Cases                   []reflect.Type // what Type, an interface, may be; nil for one type
	KeyFormat               Format         // "" is text
}

// Event is a topic of things that happened. Every consumer group receives all of them.
type Event[T any] struct {
	// Name is the topic's name at the broker.
	Name string
	// Key returns what orders a message: messages of one key are handled one after the
	// other. Default: no key.
	Key func(T) string
	// Partitions and Replication apply when leat creates the topic. Default 0: the
	// broker's own default; 1 on Redis and in memory.
	Partitions, Replication int
	// Retention is how long messages are kept. Default 0: 7 days.
	Retention time.Duration
	// Format says how values are encoded. Default: JSON, or what messaging.format says.
	Format Format
	// Namespace is the Avro namespace of T, unless T has a method AvroNamespace() string.
	Namespace string
	// Cases are the types of a topic that carries several: T is their interface, and each is
	// given by a value, as in Cases: []AccountEvent{Opened{}, Closed{}}. A message tells its
	// type by the header leat-type or ce_type, see [TypeName], or by its Avro record. Messages
	// of one key keep their order across types. Default: none, T is the only type.
	Cases []T
	// KeyFormat says how keys are encoded. Default: none, a key is the bytes of its text. Avro
	// writes an Avro string, and understands any Avro key that others wrote: as its text, or as
	// JSON in one line. Partition and order of a message follow from the bytes of its key either
	// way, so every producer of the topic has to agree on it.
	KeyFormat Format
}

// Command is a topic of things to do. Exactly one consumer group may read it, which is
// checked when the service starts.
type Command[T any] struct {
	Name                    string         // as in [Event]
	Key                     func(T) string // as in [Event]
	Partitions, Replication int            // as in [Event]
	Retention               time.Duration  // as in [Event]
	Format                  Format         // as in [Event]
	Namespace               string         // as in [Event]
	Cases                   []T            // as in [Event]
	KeyFormat               Format         // as in [Event]
}

// State is a topic that keeps the newest value of every key. A nil value (a tombstone)
// deletes its key; with a pointer type T the handler sees it as nil.
type State[T any] struct {
	Name                    string         // as in [Event]
	Key                     func(T) string // required
	Partitions, Replication int            // as in [Event]
	Format                  Format         // as in [Event]
	Namespace               string         // as in [Event]
	Cases                   []T            // as in [Event]
	KeyFormat               Format         // as in [Event]
}

// Spec describes the topic.
func (t Event[T]) Spec() Spec {
	return Spec{t.Name, KindEvent, reflect.TypeFor[T](), anyKey(t.Key), t.Partitions, t.Replication, t.Retention, t.Format, t.Namespace, typesOf(t.Cases), t.KeyFormat}
}

// Spec describes the topic.
func (t Command[T]) Spec() Spec {
	return Spec{t.Name, KindCommand, reflect.TypeFor[T](), anyKey(t.Key), t.Partitions, t.Replication, t.Retention, t.Format, t.Namespace, typesOf(t.Cases), t.KeyFormat}
}

// Spec describes the topic.
func (t State[T]) Spec() Spec {
	return Spec{t.Name, KindState, reflect.TypeFor[T](), anyKey(t.Key), t.Partitions, t.Replication, 0, t.Format, t.Namespace, typesOf(t.Cases), t.KeyFormat}
}

// KeyOf returns the key of v, "" without a Key.
func (t Event[T]) KeyOf(v T) string { return keyOf(t.Key, v) }

// KeyOf returns the key of v, "" without a Key.
func (t Command[T]) KeyOf(v T) string { return keyOf(t.Key, v) }

// KeyOf returns the key of v.
func (t State[T]) KeyOf(v T) string { return keyOf(t.Key, v) }

func (Event[T]) sealed()   {}
func (Command[T]) sealed() {}
func (State[T]) sealed()   {}

func keyOf[T any](key func(T) string, v T) string {
	if key == nil {
		return ""
	}
	return key(v)
}

func anyKey[T any](key func(T) string) func(any) (string, error) {
	if key == nil {
		return nil
	}
	return func(v any) (string, error) {
		t, ok := v.(T)
		if !ok {
			return "", fmt.Errorf("key of a %T: the topic carries %s", v, reflect.TypeFor[T]())
		}
		return key(t), nil
	}
}
