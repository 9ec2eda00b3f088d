// Command leat works with the topics and settings of services, and inside a service's module
// runs the service.
package main

//go:generate go test -run TestReferencePageIsFresh . -update

import (
	"context"
	"fmt"
	"os"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/cmd/cli"
	"github.com/leat-go/leat/cmd/leat/internal/bench"
	"github.com/leat-go/leat/cmd/leat/internal/delegate"
)

func main() {
	args := os.Args[1:]
	if code, ok := delegated(args); ok {
		os.Exit(code)
	}
	if len(args) == 0 {
		args = []string{"--help"}
		os.Args = append(os.Args[:1], args...)
	}
	cli.Main(app.New(), bench.Command())
}

const exitUsage = 2

// delegated gives the command to the service of this module, which knows its handlers, topics
// and settings. ok is false for what leat does itself.
func delegated(args []string) (code int, ok bool) {
	command := cli.CommandPath(args)
	if !delegate.Wanted(command) || asksForHelp(args) {
		return 0, false
	}
	service, err := delegate.Find(".")
	switch {
	case err == nil:
		return delegate.Run(context.Background(), service, args), true
	case delegate.Needed(command):
		fmt.Fprintf(os.Stderr, "leat: %s: %v\n", command, err)
		return exitUsage, true
	}
	return 0, false
}

func asksForHelp(args []string) bool {
	for _, a := range args {
		if a == "-h" || a == "--help" {
			return true
		}
	}
	return false
}
