package chaos

import (
	"fmt"
	"slices"
	"time"
)

// Rules say what a fault excuses. The zero value excuses nothing.
type Rules struct {
	// Repeats lets a message be handled again when its first finish was not longer than this before a fault
	// began, or within the fault, or up to Recovery after it. 0: no repeat is excused.
	Repeats time.Duration
	// Lossy reports messages that were acknowledged before the fault was over and got lost, instead of calling
	// them a violation: the server itself forgets.
	Lossy bool
	// Renewed tells that the topic began again, so that positions before the fault and after it do not compare.
	Renewed bool
	// Recovery is how soon after the end of a fault every partition must move again. 0: 30 s.
	Recovery time.Duration
	// Memory is the most that a member may keep resident, in bytes. 0: not judged.
	Memory int64
}

func (r Rules) recovery() time.Duration {
	if r.Recovery == 0 {
		return 30 * time.Second
	}
	return r.Recovery
}

// Repeats counts the messages that were handled more than once, and how often.
type Repeats struct {
	Redelivered int `json:"redelivered"` // the same record again
	Republished int `json:"republished"` // another record with the same message
	Unexplained int `json:"unexplained"` // no fault explains it: a violation
}

// Verdict is what the checker says. Counts of violations are zero in a run that passes.
type Verdict struct {
	Sent     int `json:"sent"`
	Acked    int `json:"acked"`
	Failed   int `json:"failed"`
	Unknown  int `json:"unknown"`
	Finished int `json:"finished"` // attempts that succeeded, in all stages
	Dead     int `json:"dead"`     // dead letters read

	Repeats Repeats `json:"repeats"`

	Lost       int `json:"lost"`       // acknowledged, and neither finished nor buried as they should be
	Phantoms   int `json:"phantoms"`   // finished or buried and never sent, or certainly not written
	Disorder   int `json:"disorder"`   // first finishes of a key not in the order of sending
	Overlaps   int `json:"overlaps"`   // two handlers of one key at once
	Corrupt    int `json:"corrupt"`    // another payload than was sent
	Early      int `json:"early"`      // commits above a message that was not finished
	Stuck      int `json:"stuck"`      // partitions that did not move in time after the fault
	Overweight int `json:"overweight"` // members above the memory bound

	LossWindow   Millis `json:"loss_window_ms"` // from the first acknowledgement that was lost to the fault
	Recovered    Millis `json:"recovered_ms"`   // the slowest partition's first finish after the fault
	PeakMemoryMB int64  `json:"peak_memory_mb"` // of the largest member

	Violations []string `json:"violations,omitempty"` // the first of each sort in words
}

// Millis is a duration that prints as whole milliseconds.
type Millis int64

func millis(nanos int64) Millis { return Millis(nanos / int64(time.Millisecond)) }

// Passed tells that there is no violation.
func (v *Verdict) Passed() bool { return len(v.Violations) == 0 }

// perSort is how many violations of one sort are put into words.
const perSort = 3

// violate puts the n-th violation of a sort into words.
func (v *Verdict) violate(n int, format string, args ...any) {
	if n <= perSort {
		v.Violations = append(v.Violations, fmt.Sprintf(format, args...))
	}
}

// Check judges a history. peaks is the largest resident memory of each member, by process id.
func Check(h *History, r Rules, peaks map[int]int64) *Verdict {
	v := &Verdict{
		Sent: h.count[Send], Acked: h.count[Acked], Failed: h.count[Failed], Unknown: h.count[Unknown],
		Finished: h.count[Finish], Dead: h.count[Dead],
	}
	for _, check := range []func(*History, Rules, *Verdict){
		checkLoss, checkPhantoms, checkRepeats, checkBuriedTwice, checkOrder, checkOverlap, checkPayloads, checkCommits, checkRecovery,
	} {
		check(h, r, v)
	}
	checkMemory(r, peaks, v)
	return v
}

func checkMemory(r Rules, peaks map[int]int64, v *Verdict) {
	for pid, peak := range peaks {
		v.PeakMemoryMB = max(v.PeakMemoryMB, peak>>20)
		if r.Memory > 0 && peak > r.Memory {
			v.Overweight++
			v.violate(v.Overweight, "memory: process %d had %d MB resident, the bound is %d", pid, peak>>20, r.Memory>>20)
		}
	}
}

// explained tells that a fault is behind a repeat of what was first done at first and again at.
func (h *History) explained(r Rules, first, again int64) bool {
	return r.Repeats > 0 && slices.ContainsFunc(h.faults, func(f span) bool {
		if again < f.from || first < f.from-int64(r.Repeats) {
			return false
		}
		return f.to == 0 || first <= f.to+int64(r.recovery())
	})
}
