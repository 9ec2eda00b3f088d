package redis

import (
	"context"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/settings"
)

// Shared is what a backend on the stock adapter takes over from a [Broker].
type Shared struct {
	Settings settings.Redis                  // with defaults filled in
	Options  *redis.UniversalOptions         // of the Broker's client; copy it before a change
	Client   redis.UniversalClient           // of the Broker, which closes it
	Start    func(broker.Start) broker.Start // puts the setting in the place of StartDefault
	Logger   *slog.Logger
	// Partitions returns how many partitions a topic has; 1 where it is not registered.
	Partitions func(ctx context.Context, topic string) (int, error)
}

// Shared returns what another backend takes over from b.
func (b *Broker) Shared() Shared {
	return Shared{Settings: b.cfg, Options: b.options, Client: b.client, Start: b.start, Logger: b.log, Partitions: b.partitionsOf}
}

// EncodeEntry returns fields and values of the entry of a record, in turns.
func EncodeEntry(r *broker.Record) []any { return encode(r) }

// DecodeEntry returns the record of an entry in partition 0 of a topic. It never fails: an
// entry of a foreign producer becomes a JSON object.
func DecodeEntry(topic, id string, values map[string]string) *broker.Record {
	en := entry{id: []byte(id)}
	for k, v := range values {
		en.fields = append(en.fields, []byte(k), []byte(v))
	}
	return en.record(topic, 0, nil)
}
