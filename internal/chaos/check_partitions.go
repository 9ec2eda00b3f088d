package chaos

import (
	"cmp"
	"math"
	"slices"
)

// place is where a message lies, and when the service was through with it for the first time.
type place struct {
	offset int64
	done   int64 // math.MaxInt64: never
	acked  int64
	early  bool // on its way before a fault was over: a server that forgets may have forgotten who has it
}

// places are the messages of the first stage that end in a handler, by partition and offset.
func (h *History) places() map[int32][]place {
	all := map[int32][]place{}
	seen := map[id]bool{}
	for _, as := range h.attempts[In] {
		for _, a := range as {
			offset, ok := position(a.offset)
			m := h.message(a.id)
			if !ok || m.fate.fatal() || seen[a.id] {
				continue
			}
			seen[a.id] = true
			all[a.partition] = append(all[a.partition], place{offset, never(m.done[0]), m.acked, h.forgotten(m)})
		}
	}
	for _, ps := range all {
		slices.SortFunc(ps, func(a, b place) int { return cmp.Compare(a.offset, b.offset) })
	}
	return all
}

func never(t int64) int64 {
	if t == 0 {
		return math.MaxInt64
	}
	return t
}

// checkCommits finds commits above a message that had not been finished when the commit was seen.
func checkCommits(h *History, r Rules, v *Verdict) {
	if r.Renewed {
		return
	}
	all := h.places()
	for _, e := range h.commits {
		committed, ok := position(e.Offset)
		if !ok {
			continue
		}
		for _, p := range all[e.Partition] {
			excused := r.Lossy && p.early
			if p.offset < committed && p.done > e.Time && !excused {
				v.Early++
				v.violate(v.Early, "commit: partition %d was committed up to %d before %d was finished", e.Partition, committed, p.offset)
				break
			}
		}
	}
}

// checkRecovery finds partitions that had unfinished messages when the fault was over and did not move in
// time.
func checkRecovery(h *History, r Rules, v *Verdict) {
	if len(h.faults) == 0 {
		return
	}
	healed := h.faults[len(h.faults)-1].to
	for partition, ps := range h.places() {
		next := next(ps, healed)
		if healed == 0 || next == 0 || next == math.MaxInt64 { // never: that is a loss
			continue
		}
		v.Recovered = max(v.Recovered, millis(next-healed))
		if next-healed > int64(r.recovery()) {
			v.Stuck++
			v.violate(v.Stuck, "liveness: partition %d moved %d ms after the fault was over", partition, millis(next-healed))
		}
	}
}

// next is the first finish after t of messages acknowledged before t; 0: there was nothing to do.
func next(ps []place, t int64) (first int64) {
	for _, p := range ps {
		if p.acked != 0 && p.acked < t && p.done > t && (first == 0 || p.done < first) {
			first = p.done
		}
	}
	return first
}
