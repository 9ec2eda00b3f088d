//go:build unix

package bench

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var ru syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru) // fails on a bad argument alone
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}
