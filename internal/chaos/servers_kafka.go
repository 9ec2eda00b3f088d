package chaos

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/leat-go/leat/internal/testservers"
)

// session is how long a member may be silent. The group protocol of KIP-848 has it from the servers.
func session() map[string]string {
	return map[string]string{
		"group.consumer.session.timeout.ms": "6000", "group.consumer.min.session.timeout.ms": "6000",
		"group.consumer.heartbeat.interval.ms": "1000", "group.consumer.min.heartbeat.interval.ms": "1000",
	}
}

// kafkaEnv notices a lost member soon.
func kafkaEnv(addrs ...string) []string {
	return []string{
		"KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(addrs, ","),
		"KAFKA_SESSION_TIMEOUT=6s", "KAFKA_HEARTBEAT_INTERVAL=1s",
	}
}

func startCluster(ctx context.Context) (*servers, error) {
	return startNodes(ctx, testservers.KafkaOptions{})
}

func startNodes(ctx context.Context, o testservers.KafkaOptions) (*servers, error) {
	o.Nodes, o.Properties = 3, session()
	k, err := testservers.StartKafka(ctx, o)
	if err != nil {
		return nil, err
	}
	return &servers{broker: "kafka", replication: 3, env: kafkaEnv(k.Brokers()...), kafka: k}, nil
}

// wire is what carries from one server to another one; nodes of Kafka have numbers.
type wire struct {
	*link

	from, to int
}

// startParted starts nodes whose ways to each other can be cut.
func startParted(ctx context.Context) (*servers, error) {
	var ways []*wire
	s, err := startNodes(ctx, testservers.KafkaOptions{Between: func(w testservers.KafkaWay) error {
		l, err := newLink(w.Listen, w.Upstream)
		if err == nil {
			ways = append(ways, &wire{l, w.From, w.To})
		}
		return err
	}})
	if err != nil {
		for _, w := range ways {
			w.close()
		}
		return nil, err
	}
	s.ways = ways
	return s, nil
}

// startSingle starts one node that tells its clients to come through the link.
func startSingle(ctx context.Context) (*servers, error) {
	port, err := testservers.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	l, err := newLink("127.0.0.1:0", loopback(port))
	if err != nil {
		return nil, err
	}
	properties := map[string]string{"advertised.listeners": "PLAINTEXT://" + l.proxy.Listen}
	maps.Copy(properties, session())
	k, err := testservers.StartKafka(ctx, testservers.KafkaOptions{Port: port, Properties: properties})
	if err != nil {
		l.close()
		return nil, err
	}
	return &servers{broker: "kafka", replication: 1, env: kafkaEnv(l.proxy.Listen), kafka: k, link: l}, nil
}

// startSmallCluster gives node 1 a disk that can be filled.
func startSmallCluster(ctx context.Context) (*servers, error) {
	dir, err := os.MkdirTemp("", "leat-chaos-kafka-")
	if err != nil {
		return nil, err
	}
	return onDisk(ctx, dir, filepath.Join(dir, "node-1"), "512m", func() (*servers, error) {
		return startNodes(ctx, testservers.KafkaOptions{DataDir: dir})
	})
}
