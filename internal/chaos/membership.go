package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// membership is how members of a group on Kafka share its partitions. Redis has leases, and no choice.
type membership struct {
	name   string
	env    []string
	static bool // each member has a name that survives its restart
}

// memberships are all there are. The first is the default, and the one of Redis.
func memberships() []membership {
	return []membership{
		{name: "cooperative"},
		{name: "range", env: []string{"KAFKA_BALANCER=range"}},
		{name: "consumer", env: []string{"KAFKA_GROUP_PROTOCOL=consumer"}},
		{name: "static", static: true},
	}
}

// chooseMemberships finds memberships by name; an empty list is all of them.
func chooseMemberships(list string) (ms []membership, err error) {
	wanted := split(list)
	for _, m := range memberships() {
		if len(wanted) == 0 || slices.Contains(wanted, m.name) {
			ms = append(ms, m)
		}
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(ms, func(m membership) bool { return m.name == w }) {
			err = errors.Join(err, fmt.Errorf("no membership %q: %w", w, errUsage))
		}
	}
	return ms, err
}

// on tells whether a fault is tried with the membership on a broker.
func (m membership) on(broker string, f fault) bool {
	switch {
	case m.name == memberships()[0].name:
		return true
	case broker != "kafka":
		return false
	case m.static:
		return f.restarts
	}
	return f.everyMembership
}

// of is what the member in a slot is started with.
func (m membership) of(slot int) []string {
	if !m.static {
		return m.env
	}
	return append(slices.Clip(m.env), "KAFKA_GROUP_INSTANCE_ID=slot-"+strconv.Itoa(slot))
}
