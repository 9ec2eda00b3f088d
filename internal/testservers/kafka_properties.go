package testservers

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// properties returns the text of a node's server.properties.
func (n *kafkaNode) properties(o KafkaOptions, voters string) (string, error) {
	p := n.base(voters)
	maps.Copy(p, replication(o.Nodes))
	if n.between != nil {
		maps.Copy(p, n.apart())
	}
	if o.Security != nil {
		more, err := n.secured(o.Security)
		if err != nil {
			return "", err
		}
		maps.Copy(p, more)
	}
	maps.Copy(p, o.Properties)
	return written(p), nil
}

// written is how Java writes properties: a line each, ends of lines inside a value escaped.
func written(p map[string]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", name, strings.ReplaceAll(p[name], "\n", `\n`))
	}
	return text.String()
}

func (n *kafkaNode) base(voters string) map[string]string {
	return map[string]string{
		"process.roles":             "broker,controller",
		"node.id":                   strconv.Itoa(n.id),
		"controller.quorum.voters":  voters,
		"listeners":                 "PLAINTEXT://" + n.broker + ",CONTROLLER://" + n.controller,
		"controller.listener.names": "CONTROLLER",
		"log.dirs":                  n.file("data"),
		"auto.create.topics.enable": "false",
		"num.partitions":            "5",

		"offsets.topic.num.partitions":                 "5",
		"transaction.state.log.num.partitions":         "5",
		"share.coordinator.state.topic.num.partitions": "5",

		// A group is complete as soon as its first member is there, and may have members that are lost quickly.
		"group.initial.rebalance.delay.ms": "0",
		"group.min.session.timeout.ms":     strconv.FormatInt(minSession.Milliseconds(), 10),
	}
}

// replication keeps every acknowledged record on a majority of the nodes.
func replication(nodes int) map[string]string {
	factor, inSync := strconv.Itoa(nodes), strconv.Itoa(nodes/2+1)
	return map[string]string{
		"default.replication.factor":                       factor,
		"min.insync.replicas":                              inSync,
		"offsets.topic.replication.factor":                 factor,
		"transaction.state.log.replication.factor":         factor,
		"transaction.state.log.min.isr":                    inSync,
		"share.coordinator.state.topic.replication.factor": factor,
		"share.coordinator.state.topic.min.isr":            inSync,
	}
}
