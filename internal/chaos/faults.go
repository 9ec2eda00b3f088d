package chaos

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// fault is one thing that goes wrong, and what it excuses.
type fault struct {
	name     string
	kinds    []kind // the set-ups that it is tried on, one of each broker at most
	pipe     bool   // workers hand on to a second topic that is consumed too
	lasts    time.Duration
	silences bool // no member can be heard while it lasts
	hostile  bool // many messages that cannot be handled
	busy     bool // many slow handlers in one group, batches, and keys that wait for seconds

	everyMembership bool // tried with every group protocol and balancer of Kafka
	restarts        bool // members come back: tried with static membership too

	rules  Rules
	before func(context.Context, *run) error // sets the scene; the service runs on
	do     func(context.Context, *run) error
}

func (f fault) stages() []Stage {
	if f.pipe {
		return []Stage{In, Out}
	}
	return []Stage{In}
}

// load is what a member of a run is started with.
func (f fault) load() []string {
	if f.busy {
		return []string{"-concurrency", "100", "-work", "10ms", "-retry", "2s", "-batch"}
	}
	return nil
}

// bad is how many of a thousand messages are doomed, and as many are poison.
func (f fault) bad() int {
	if f.hostile {
		return 50
	}
	return 5
}

// on returns the set-up for a broker.
func (f fault) on(broker string) (kind, bool) {
	for _, k := range f.kinds {
		if string(k[:5]) == broker {
			return k, true
		}
	}
	return "", false
}

var (
	both    = []kind{cluster, redisMemory}
	linked  = []kind{single, redisMemory}
	repeats = Rules{Repeats: 15 * time.Second} // an interval of commits and some
	forgets = Rules{Repeats: 90 * time.Second, Lossy: true}
	emptied = Rules{Repeats: 15 * time.Second, Lossy: true, Renewed: true}
)

// faults are all there are, in the order in which they are tried.
func faults() []fault {
	return slices.Concat(memberFaults(), networkFaults(), kafkaFaults(), redisFaults(), dataFaults(), registryFaults())
}

func memberFaults() []fault {
	return []fault{
		{name: "none", kinds: both, pipe: true, everyMembership: true},
		{name: "poison", kinds: both, hostile: true, lasts: time.Second},
		{name: "member-kill", kinds: both, everyMembership: true, restarts: true, pipe: true, lasts: 15 * time.Second, rules: repeats, do: killMembers},
		{name: "member-stop", kinds: both, everyMembership: true, restarts: true, pipe: true, lasts: 12 * time.Second, do: stopMembers},
		{name: "rolling-restart", kinds: both, everyMembership: true, restarts: true, pipe: true, busy: true, lasts: 36 * time.Second, do: rollingRestart},
		{name: "member-pause", kinds: both, everyMembership: true, lasts: 15 * time.Second, rules: repeats, do: pauseMember(15 * time.Second)},
		{name: "member-pause-long", kinds: both, pipe: true, lasts: time.Minute, rules: Rules{Repeats: repeats.Repeats}, do: pauseMember(time.Minute)},
		{name: "rebalance-storm", kinds: both, everyMembership: true, lasts: storms * 2 * time.Second, do: storm},
	}
}

func networkFaults() []fault {
	return []fault{
		{name: "net-cut", kinds: linked, everyMembership: true, pipe: true, lasts: 2 * time.Second, rules: repeats, do: cut(2 * time.Second)},
		{name: "net-cut-long", kinds: linked, lasts: 20 * time.Second, silences: true, rules: repeats, do: cut(20 * time.Second)},
		{name: "net-latency", kinds: linked, lasts: 15 * time.Second, do: slow(15 * time.Second)},
		{name: "net-deaf", kinds: linked, lasts: 12 * time.Second, silences: true, rules: repeats, do: hold(fromServer, 12*time.Second)},
		{name: "net-dumb", kinds: linked, lasts: 12 * time.Second, silences: true, rules: repeats, do: hold(toServer, 12*time.Second)},
		{name: "net-narrow", kinds: linked, lasts: 15 * time.Second, rules: repeats, do: narrow(fromServer, 20, 15*time.Second)},
	}
}

// dataFaults take away what lies at the server, or the room for more.
func dataFaults() []fault {
	return []fault{
		{name: "topic-recreated", kinds: both, lasts: 5 * time.Second, silences: true, rules: emptied, do: recreateTopic},
		{name: "retention", kinds: both, lasts: 5 * time.Second, silences: true, rules: emptied, do: outlive},
		{name: "disk-full", kinds: []kind{smallCluster, smallRedis}, lasts: 15 * time.Second, rules: repeats, do: fillDisk(6 * time.Second)},
	}
}

// registryFaults meet members that have not read a schema yet and others that have.
func registryFaults() (fs []fault) {
	for name, m := range map[string]mood{"registry-away": away, "registry-slow": slowly, "registry-500": broken} {
		fs = append(fs, fault{name: name, kinds: []kind{avroKafka, avroRedis}, pipe: m == away, lasts: 12 * time.Second, do: spoilRegistry(m, 8*time.Second)})
	}
	slices.SortFunc(fs, func(a, b fault) int { return cmp.Compare(a.name, b.name) })
	return fs
}

func kafkaFaults() (fs []fault) {
	for node, name := range []string{"node-1-kill", "node-2-kill", "node-3-kill"} {
		fs = append(fs, fault{name: name, kinds: []kind{cluster}, everyMembership: node == 0, pipe: node == 0, lasts: 12 * time.Second, rules: repeats, do: killNode(node + 1)})
	}
	for node, name := range []string{"node-1-cut", "node-2-cut", "node-3-cut"} {
		fs = append(fs, fault{name: name, kinds: []kind{partedCluster}, pipe: node == 0, lasts: 20 * time.Second, rules: repeats, do: cutNode(node + 1)})
	}
	fs = append(fs, fault{name: "nodes-apart", kinds: []kind{partedCluster}, lasts: 20 * time.Second, rules: repeats, do: cutBetween(1, 2)})
	return append(fs, fault{name: "node-alone-kill", kinds: []kind{single}, lasts: 10 * time.Second, silences: true, rules: repeats, do: killNode(1)})
}

func redisFaults() []fault {
	return []fault{
		{name: "redis-kill-always", kinds: []kind{redisAlways}, pipe: true, lasts: 6 * time.Second, silences: true, rules: Rules{Repeats: 90 * time.Second}, do: killRedis},
		{name: "redis-kill-everysec", kinds: []kind{redisEverysec}, lasts: 6 * time.Second, silences: true, rules: forgets, do: killRedis},
		{name: "redis-kill-no", kinds: []kind{redisNo}, lasts: 6 * time.Second, silences: true, rules: forgets, do: killRedis},
		{name: "redis-kill-memory", kinds: []kind{redisMemory}, lasts: 6 * time.Second, silences: true, rules: forgets, do: killRedis},
		{name: "sentinel-failover", kinds: []kind{sentinels}, lasts: 12 * time.Second, silences: true, rules: forgets, do: failOver},
		{name: "sentinel-lag", kinds: []kind{sentinels}, lasts: 15 * time.Second, silences: true, rules: forgets, before: lagBehind, do: failOverBehind},
		{name: "sentinel-revenant", kinds: []kind{sentinels}, lasts: 30 * time.Second, silences: true, rules: forgets, do: revive},
		{name: "redis-flushall", kinds: []kind{redisMemory}, lasts: 2 * time.Second, silences: true, rules: forgets, do: flushRedis},
	}
}
