package testservers

import "syscall"

// childAttributes keeps an interrupt typed at the terminal from the servers, which are stopped in order
// instead, and ends them with us however we end.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
