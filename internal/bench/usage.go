package bench

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// Usage is what a process has consumed.
type Usage struct {
	CPU       time.Duration
	Allocated uint64 // bytes
	PeakRSS   int64  // bytes
}

func usageNow() Usage {
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return Usage{cpuTime(), ms.TotalAlloc, peakRSS()}
}

// since is the difference, but for the peak.
func (u Usage) since(before Usage) Usage {
	return Usage{u.CPU - before.CPU, u.Allocated - before.Allocated, u.PeakRSS}
}

// freshMemory gives memory back to the system and resets the peak of the resident set.
func freshMemory() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // elsewhere than on Linux the peak is unknown
}

// peakRSS returns the peak of the resident set in bytes, 0 where it is unknown.
func peakRSS() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, _ := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return kib << 10
		}
	}
	return 0
}
