package testservers

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// KafkaOptions says how an Apache Kafka cluster is started. The zero value is one node on a free port.
type KafkaOptions struct {
	Nodes      int               // 1 or 3; 0: 1. Three nodes replicate to three with two in sync
	Port       int               // of node 1; node n listens on Port+n-1. 0: free ones
	DataDir    string            // kept after Close, to be used with the same Nodes; empty: a temporary one
	Heap       string            // of each node, as in -Xmx; empty: 384m
	Properties map[string]string // added to the broker properties, and stronger than ours
	Security   *KafkaSecurity    // nil: one plain listener, and everybody may do everything

	// Between is asked, before the nodes start, for each way from one node to another: it listens there and
	// carries what comes, until it pleases to cut. nil: the nodes reach one another directly. Clients always do.
	Between func(KafkaWay) error
}

// KafkaServer is an Apache Kafka cluster on this machine. Its methods may be called concurrently.
type KafkaServer struct {
	dir       folder
	nodes     []*kafkaNode
	authority *Authority
}

// StartKafka starts the cluster and returns when all its brokers answer. The first start on a machine fetches
// Kafka with Maven. The caller closes the cluster; ctx bounds the start alone.
func StartKafka(ctx context.Context, o KafkaOptions) (*KafkaServer, error) {
	o.Nodes, o.Heap = cmp.Or(o.Nodes, 1), cmp.Or(o.Heap, "384m")
	if o.Nodes != 1 && o.Nodes != 3 {
		return nil, fmt.Errorf("start kafka with %d nodes: want 1 or 3", o.Nodes)
	}
	program, err := java()
	if err != nil {
		return nil, err
	}
	libs, err := fetched(ctx, "kafka-"+pinned().Kafka, "dependency:copy-dependencies")
	if err != nil {
		return nil, err
	}
	dir, err := openFolder(o.DataDir, "kafka")
	if err != nil {
		return nil, err
	}
	s := &KafkaServer{dir: dir}
	if err := s.start(ctx, o, []string{program, "-cp", filepath.Join(libs, "*")}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *KafkaServer) start(ctx context.Context, o KafkaOptions, java []string) error {
	if err := s.plan(ctx, o, java); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, n := range s.nodes {
		g.Go(func() error { return n.start(gctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.settled(ctx)
}

// settled waits until every node knows every other one.
func (s *KafkaServer) settled(ctx context.Context) error {
	for _, n := range s.nodes {
		if err := n.ready(ctx, len(s.nodes)); err != nil {
			return err
		}
	}
	return nil
}

// plan decides ports and properties of all nodes, which name each other.
func (s *KafkaServer) plan(ctx context.Context, o KafkaOptions, java []string) error {
	cluster, err := clusterID(s.dir.path)
	if err != nil {
		return err
	}
	if err := s.trust(&o); err != nil {
		return err
	}
	var voters []string
	for id := 1; id <= o.Nodes; id++ {
		n, err := newKafkaNode(ctx, id, o, filepath.Join(s.dir.path, fmt.Sprintf("node-%d", id)))
		if err != nil {
			return err
		}
		n.java, n.cluster = java, cluster
		s.nodes = append(s.nodes, n)
	}
	if o.Between != nil {
		if err := s.part(ctx, o.Between); err != nil {
			return err
		}
	}
	for _, n := range s.nodes {
		voters = append(voters, fmt.Sprintf("%d@%s", n.id, n.voter()))
	}
	for _, n := range s.nodes {
		if err := n.write(o, strings.Join(voters, ",")); err != nil {
			return err
		}
	}
	return nil
}

// trust gives a secured cluster an authority of its own.
func (s *KafkaServer) trust(o *KafkaOptions) (err error) {
	if o.Security == nil {
		return nil
	}
	if s.authority, err = NewAuthority(); err != nil {
		return err
	}
	secured := *o.Security
	secured.authority = s.authority
	o.Security = &secured
	return nil
}

// Brokers returns host:port of every node, also of those that are down.
func (s *KafkaServer) Brokers() []string {
	addrs := make([]string, len(s.nodes))
	for i, n := range s.nodes {
		addrs[i] = n.broker
	}
	return addrs
}

// Version returns the version of Kafka, for instance 4.3.1.
func (s *KafkaServer) Version() string { return pinned().Kafka }

// Kill ends a node at once (SIGKILL). Nodes count from 1.
func (s *KafkaServer) Kill(node int) error { return s.ending(node, (*process).kill) }

// Stop lets a node hand over its partitions and end by itself (SIGTERM).
func (s *KafkaServer) Stop(node int) error { return s.ending(node, (*process).stop) }

func (s *KafkaServer) ending(node int, end func(*process) error) error {
	n, err := s.node(node)
	if err != nil {
		return err
	}
	return n.ending(end)
}

// Restart starts a node again after Kill or Stop, on the same ports and data, and returns when it answers.
// A running node is left alone.
func (s *KafkaServer) Restart(ctx context.Context, node int) error {
	n, err := s.node(node)
	if err != nil {
		return err
	}
	if err := n.start(ctx); err != nil {
		return err
	}
	return n.ready(ctx, 1)
}

func (s *KafkaServer) node(id int) (*kafkaNode, error) {
	if id < 1 || id > len(s.nodes) {
		return nil, fmt.Errorf("no kafka node %d: the cluster has %d", id, len(s.nodes))
	}
	return s.nodes[id-1], nil
}

// Close kills all nodes when the data are temporary, stops them otherwise, and removes temporary data.
func (s *KafkaServer) Close() error {
	end := (*process).stop
	if s.dir.temporary {
		end = (*process).kill
	}
	var g errgroup.Group
	for _, n := range s.nodes {
		g.Go(func() error { return n.ending(end) })
	}
	return errors.Join(g.Wait(), s.dir.release())
}

// clusterID returns the id of the cluster whose data lie in dir: the one that was written there, or a new
// one. It begins with a letter: Kafka's tool takes one that begins with a dash for an option.
func clusterID(dir string) (string, error) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[0] &= 0x7f
	return readOrWrite(filepath.Join(dir, "cluster-id"), base64.RawURLEncoding.EncodeToString(id[:]))
}
