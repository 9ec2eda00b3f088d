//go:build unix

package delegate

import (
	"os/exec"
	"syscall"
)

// apart puts the service into a process group of its own, so that a signal for the group of
// leat does not reach it twice.
func apart(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
