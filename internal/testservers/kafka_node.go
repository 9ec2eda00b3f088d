package testservers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafkaNode is one node of a cluster, broker and controller at once.
type kafkaNode struct {
	id                 int
	dir, heap          string
	broker, controller string            // addresses
	secure             map[string]string // addresses that ask who the client is, by protocol
	scram              []string          // arguments that make the users known
	java               []string          // program and class path
	between            *kafkaBetween     // nil: the others are reached directly
	cluster            string

	mu   sync.Mutex
	proc *process
}

func newKafkaNode(ctx context.Context, id int, o KafkaOptions, dir string) (*kafkaNode, error) {
	wanted := o.Port
	if wanted != 0 {
		wanted += id - 1
	}
	broker, err := portOr(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("start kafka node %d: %w", id, err)
	}
	controller, err := FreePort(ctx)
	if err != nil {
		return nil, fmt.Errorf("start kafka node %d: %w", id, err)
	}
	secure, err := secureAddresses(ctx, o.Security)
	if err != nil {
		return nil, fmt.Errorf("start kafka node %d: %w", id, err)
	}
	n := &kafkaNode{
		id: id, dir: dir, heap: o.Heap, broker: loopback(broker), controller: loopback(controller),
		secure: secure, scram: scramUsers(o.Security),
	}
	return n, os.MkdirAll(dir, 0o700)
}

func (n *kafkaNode) file(name string) string { return filepath.Join(n.dir, name) }

func (n *kafkaNode) write(o KafkaOptions, voters string) error {
	text, err := n.properties(o, voters)
	if err != nil {
		return err
	}
	return os.WriteFile(n.file("server.properties"), []byte(text), 0o600)
}

// start starts the node without waiting until it answers. A running node is left alone.
func (n *kafkaNode) start(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc != nil && n.proc.running() {
		return nil
	}
	if err := n.format(ctx); err != nil {
		return err
	}
	argv := slices.Concat(n.java, []string{"-Xmx" + n.heap, "kafka.Kafka", n.file("server.properties")})
	p, err := startProcess(ctx, fmt.Sprintf("kafka node %d at %s", n.id, n.broker), n.dir, n.file("server.log"), argv...)
	n.proc = p
	return err
}

// format prepares the data folder, once.
func (n *kafkaNode) format(ctx context.Context) error {
	if exists(n.file("data/meta.properties")) {
		return nil
	}
	args := slices.Concat(n.java[1:], []string{
		"-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "-t", n.cluster, "-c", n.file("server.properties"),
	}, n.scram)
	out, err := exec.CommandContext(ctx, n.java[0], args...).CombinedOutput() //nolint:gosec // our own arguments
	if err != nil {
		return fmt.Errorf("format the data of kafka node %d: %w; its last output:\n%s", n.id, err, lastLines(string(out), 15))
	}
	return nil
}

func (n *kafkaNode) ending(end func(*process) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil {
		return nil
	}
	return end(n.proc)
}

// ready waits until the node answers as a member of its cluster that knows at least so many brokers.
func (n *kafkaNode) ready(ctx context.Context, brokers int) error {
	n.mu.Lock()
	p := n.proc
	n.mu.Unlock()
	return p.ready(ctx, func(ctx context.Context) error { return n.ask(ctx, brokers) })
}

func (n *kafkaNode) ask(ctx context.Context, brokers int) error {
	m, err := metadata(ctx, n.broker)
	switch {
	case err != nil:
		return err
	case m.Cluster != n.cluster:
		return fmt.Errorf("another kafka cluster (id %s) answers at %s", m.Cluster, n.broker)
	case !contains(m.Brokers, n.id) || len(m.Brokers) < brokers || m.Controller < 0:
		return fmt.Errorf("kafka node %d knows %d of %d brokers", n.id, len(m.Brokers), brokers)
	}
	return nil
}

func contains(brokers kadm.BrokerDetails, id int) bool {
	return slices.ContainsFunc(brokers, func(b kadm.BrokerDetail) bool { return int(b.NodeID) == id })
}

// metadata asks one broker for the cluster that it belongs to.
func metadata(ctx context.Context, addr string) (kadm.Metadata, error) {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DialTimeout(time.Second), kgo.RequestRetries(0))
	if err != nil {
		return kadm.Metadata{}, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return kadm.NewClient(c).BrokerMetadata(ctx)
}
