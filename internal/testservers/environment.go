package testservers

import "os"

// RequireReal reports whether LEAT_REQUIRE_REAL=1 forbids embedded servers in place of real ones.
func RequireReal() bool { return os.Getenv("LEAT_REQUIRE_REAL") == "1" }

// The variables that name a server for tests, and the value that asks for the embedded one.
const (
	KafkaEnv    = "LEAT_TEST_KAFKA"
	RedisEnv    = "LEAT_TEST_REDIS"
	RegistryEnv = "LEAT_TEST_REGISTRY"
	Embedded    = "embedded"
)
