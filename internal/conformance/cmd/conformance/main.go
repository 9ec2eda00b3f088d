// Conformance runs the conformance suites on real servers and writes down what they said. See package conformance.
package main

import (
	"os"

	"github.com/leat-go/leat/internal/conformance"
)

func main() { os.Exit(conformance.Main(os.Args[1:], os.Stderr)) }
