package chaos

import "syscall"

// childAttributes keeps an interrupt typed at the terminal from the children, which are ended in order.
// (They do not die with us by a signal of the kernel: that one comes when the thread that started them ends.)
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
