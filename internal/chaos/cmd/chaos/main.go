// Chaos tries faults on a service under load and checks what the service promised. See package chaos.
package main

import (
	"os"

	"github.com/leat-go/leat/internal/chaos"
)

func main() { os.Exit(chaos.Main(os.Args[1:], os.Stdout, os.Stderr)) }
