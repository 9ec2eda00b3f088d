package conformance

import (
	"path"
	"slices"
)

const module = "github.com/leat-go/leat/"

// suite is a test that runs brokertest or routertest on one backend and one kind of server. Its cases are the
// subtests of what matches test (see path.Match).
type suite struct{ backend, folder, test, server string }

var suites = []suite{
	{"memory", "router/broker/memory", "TestConformance", inProcess},
	{"kafka", "router/broker/kafka", "TestConformance", kafka},
	{"kafka", "router/broker/kafka", "TestConformanceEmbedded", kfake},
	{"redis", "router/broker/redis", "TestConformance", redis},
	{"redis", "router/broker/redis", "TestConformanceCluster", redisCluster},
	{"redis", "router/broker/redis", "TestConformanceEmbedded", miniredis},
	{"sarama", "router/broker/kafka/sarama", "TestConformance", kafka},
	{"sarama", "router/broker/kafka/sarama", "TestConformanceEmbedded", kfake},
	{"watermill", "router/broker/redis/redisstream", "TestConformance", redis},
	{"watermill", "router/broker/redis/redisstream", "TestConformanceEmbedded", miniredis},
	{"memory", "internal/e2e", "TestDoors/memory/*", inProcess},
	{"kafka", "internal/e2e", "TestDoors/kafka/*", kafka},
	{"redis", "internal/e2e", "TestDoors/redis/*", redis},
	{"sarama", "internal/e2e", "TestDoors/sarama/*", kafka},
	{"watermill", "internal/e2e", "TestDoors/redisstream/*", redis},
}

// command is what runs all suites. One package after another: cases wait for what must happen within a minute,
// and a busy machine keeps them waiting.
func command() []string {
	argv := []string{"go", "test", "-json", "-count", "1", "-p", "1", "-timeout", "20m", "-run", "^Test(Conformance|Doors)"}
	for _, s := range suites {
		if folder := "./" + s.folder; !slices.Contains(argv, folder) {
			argv = append(argv, folder)
		}
	}
	return argv
}

// has tells whether the subtests of a test are cases of the suite.
func (s suite) has(t test) bool {
	ok, err := path.Match(s.test, t.name)
	return ok && err == nil && t.pkg == module+s.folder
}
