package testservers

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Kafka is a Kafka to test against.
type Kafka struct {
	Brokers []string // host:port of each broker
	Real    bool     // Apache Kafka rather than the embedded imitation
}

// Redis is a Redis to test against.
type Redis struct {
	Addr string // host:port
	Real bool   // a Redis server rather than the embedded imitation
}

// URL returns the address as a redis:// URL of database 0.
func (r Redis) URL() string { return "redis://" + r.Addr + "/0" }

// Registry is a schema registry to test against. Its compatibility level is BACKWARD.
type Registry struct {
	URL  string // base URL of the Confluent API
	Real bool   // a real registry rather than the embedded imitation
}

// Unique returns a name for a topic, stream, group or subject that no other test uses, also none of another
// process: prefix, a hyphen and 12 hexadecimal digits.
func Unique(t testing.TB, prefix string) string {
	t.Helper()
	id := strings.ReplaceAll(uuid.NewString(), "-", "")
	return prefix + "-" + id[:12]
}
