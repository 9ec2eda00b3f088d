// Package testservers starts the services that tests, benchmarks and fault tests run against: Kafka, Redis
// and a schema registry, without Docker.
//
// A test asks for a kind of server with [KafkaFor], [RedisFor] or [RegistryFor] and gets the first of
//
//  1. the address in LEAT_TEST_KAFKA, LEAT_TEST_REDIS or LEAT_TEST_REGISTRY,
//  2. a real server started on this machine, shared by the tests of the process,
//  3. an embedded one that speaks the same protocol.
//
// With LEAT_REQUIRE_REAL=1 the third step fails the test instead. The value "embedded" in a variable of the
// first step skips the search and takes the third. The command testenv does the second step once for many
// test processes.
//
// These servers are shared: a test uses names of its own (see [Unique]) and never flushes or counts what
// belongs to others. [EmbeddedKafka], [EmbeddedRedis] and [EmbeddedRegistry] give a private server instead;
// [StartKafka], [StartRedis] and [StartRegistry] give a real one that can be killed and started again.
//
// A package that asks for shared servers stops them in its TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(testservers.Main(m)) }
//
// or, with a check for leaked goroutines:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(testservers.Tests{M: m}) }
//
// Every server listens on the loopback interface alone, on a free port, with a data folder of its own.
package testservers
