//go:build !unix

package delegate

import "os/exec"

// apart does nothing: there are no process groups.
func apart(*exec.Cmd) {}
