package testservers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// KafkaWay is how one node of a cluster reaches another one. Listen belongs to that way alone: what connects
// there comes from node From and is to be carried to Upstream, where node To listens.
type KafkaWay struct {
	From, To         int
	Listen, Upstream string
}

// kafkaBetween is what a node needs whose ways to the others can be cut: an address for other nodes alone, and
// names that each node looks up in a file of its own, so that one name leads each of them another way.
type kafkaBetween struct{ internal string }

// nodeName is what the nodes call each other then.
func nodeName(id int) string { return fmt.Sprintf("kafka-%d.internal", id) }

// wayHost is a loopback address for what goes from one node to another.
func wayHost(from, to int) string { return fmt.Sprintf("127.0.%d.%d", 100+from, to) }

// part gives the nodes addresses for each other and has the ways between them laid.
func (s *KafkaServer) part(ctx context.Context, lay func(KafkaWay) error) error {
	for _, n := range s.nodes {
		port, err := FreePort(ctx)
		if err != nil {
			return err
		}
		n.between = &kafkaBetween{internal: loopback(port)}
	}
	for _, from := range s.nodes {
		if err := from.writeHosts(s.nodes); err != nil {
			return err
		}
		for _, to := range s.nodes {
			if err := layWays(from, to, lay); err != nil {
				return err
			}
		}
	}
	return nil
}

func layWays(from, to *kafkaNode, lay func(KafkaWay) error) error {
	if from == to {
		return nil // a node reaches itself always
	}
	for _, upstream := range []string{to.between.internal, to.controller} {
		listen := net.JoinHostPort(wayHost(from.id, to.id), portOf(upstream))
		err := lay(KafkaWay{From: from.id, To: to.id, Listen: listen, Upstream: upstream})
		if errors.Is(err, syscall.EADDRNOTAVAIL) { // only Linux has all of 127.0.0.0/8
			err = unavailable{err}
		}
		if err != nil {
			return fmt.Errorf("the way from kafka node %d to node %d: %w", from.id, to.id, err)
		}
	}
	return nil
}

// writeHosts writes the file that the node looks up names in, and nowhere else.
func (n *kafkaNode) writeHosts(all []*kafkaNode) error {
	own, err := os.Hostname()
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "127.0.0.1 localhost %s\n", own)
	for _, to := range all {
		host := wayHost(n.id, to.id)
		if to == n {
			host = "127.0.0.1"
		}
		fmt.Fprintf(&text, "%s %s\n", host, nodeName(to.id))
	}
	n.java = append(slices.Clip(n.java), "-Djdk.net.hosts.file="+n.file("hosts"))
	return os.WriteFile(n.file("hosts"), []byte(text.String()), 0o600)
}

// apart are the properties of a node whose ways to the others can be cut.
func (n *kafkaNode) apart() map[string]string {
	internal := net.JoinHostPort(nodeName(n.id), portOf(n.between.internal))
	return map[string]string{
		"listeners":                      n.listen("PLAINTEXT", n.broker) + "," + n.listen("INTERNAL", n.between.internal) + "," + n.listen("CONTROLLER", n.controller),
		"advertised.listeners":           n.listen("PLAINTEXT", n.broker) + "," + n.listen("INTERNAL", internal) + "," + n.listen("CONTROLLER", n.voter()),
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name":     "INTERNAL",
	}
}

func (*kafkaNode) listen(name, addr string) string { return name + "://" + addr }

// voter is the address of the node's controller, as the nodes call it.
func (n *kafkaNode) voter() string {
	if n.between == nil {
		return n.controller
	}
	return net.JoinHostPort(nodeName(n.id), portOf(n.controller))
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
