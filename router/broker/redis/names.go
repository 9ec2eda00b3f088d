package redis

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// topicSet holds the names of all topics that were created by leat.
const topicSet = "leat:topics"

func topicKey(topic string) string { return "leat:topic:" + topic }

// stream is the key of a partition.
func stream(topic string, partition int32) string {
	if partition == 0 {
		return topic
	}
	return topic + ":" + strconv.Itoa(int(partition))
}

// side returns a key in the slot of a stream.
func side(stream, name string) string { return "{" + stream + "}:" + name }

func checkTopic(name string) error {
	if name == "" {
		return errors.New("a topic needs a name")
	}
	if strings.ContainsAny(name, "{}:") {
		return fmt.Errorf("topic %q: braces and colons have a meaning of their own in Redis, leave them out", name)
	}
	return nil
}

// sideKeys are the keys of a group beside a stream, all in its slot.
type sideKeys struct{ stream, lease, fence, state, seen string }

func keysOf(stream, group string) sideKeys {
	return sideKeys{
		stream: stream,
		lease:  side(stream, "lease:"+group),
		fence:  side(stream, "fence:"+group),
		state:  side(stream, "state:"+group),
		seen:   side(stream, "groups"),
	}
}
