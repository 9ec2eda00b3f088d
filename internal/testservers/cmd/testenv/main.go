// Command testenv runs a command, usually go test, with real servers to test against:
//
//	go run ./internal/testservers/cmd/testenv -- go test -race ./...
//
// It starts Kafka, Redis and a schema registry where this machine can, tells the command their addresses in
// LEAT_TEST_KAFKA, LEAT_TEST_REDIS and LEAT_TEST_REGISTRY, stops them afterwards and ends with the exit code
// of the command. A variable that is set already is passed on and nothing is started for it. What cannot be
// started is embedded into the tests, and the last line names it:
//
//	not tested against: kafka, registry
//
// With LEAT_REQUIRE_REAL=1 it is a failure instead, before the command runs.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(start(os.Args[1:])) }

func start(args []string) int {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: testenv -- COMMAND [ARGUMENT...]")
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	e := environment{services: services(), out: os.Stdout, talk: os.Stderr}
	return e.run(ctx, args)
}
