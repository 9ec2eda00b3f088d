package chaos

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// checkRepeats finds second finishes of a message in one stage.
func checkRepeats(h *History, r Rules, v *Verdict) {
	h.eachKey(func(s Stage, _ string, as []*attempt) {
		first := map[id]*attempt{}
		for _, a := range finishes(as) {
			f := first[a.id]
			if f == nil {
				first[a.id] = a
				continue
			}
			if f.offset == a.offset && f.partition == a.partition {
				v.Repeats.Redelivered++
			} else {
				v.Repeats.Republished++
			}
			h.repeat(r, v, string(s)+" finished", a.id, f.end, a.end)
		}
	})
}

// checkOrder finds first finishes of a key that are not in the order of sending.
func checkOrder(h *History, _ Rules, v *Verdict) {
	h.eachKey(func(s Stage, key string, as []*attempt) {
		last, seen := 0, map[int]bool{}
		for _, a := range finishes(as) {
			if seen[a.id.seq] {
				continue
			}
			seen[a.id.seq] = true
			if a.id.seq < last {
				v.Disorder++
				v.violate(v.Disorder, "order: %s finished %s/%d after %d", s, key, a.id.seq, last)
			}
			last = max(last, a.id.seq)
		}
	})
}

// slack is how far apart the parent's note of a signal and its effect may be.
const slack = int64(100 * time.Millisecond)

// checkOverlap finds two handlers of one key at once.
func checkOverlap(h *History, _ Rules, v *Verdict) {
	h.eachKey(func(s Stage, key string, as []*attempt) {
		as = slices.SortedStableFunc(slices.Values(as), func(a, b *attempt) int { return cmp.Compare(a.begin, b.begin) })
		var longest *attempt // of those before, the one that ends last
		for _, a := range as {
			if longest != nil && a.begin < h.ending(longest) && !h.silenced(longest, a.begin) {
				v.Overlaps++
				v.violate(v.Overlaps, "overlap: %s of %s/%d in process %d began %d ms before %s/%d ended in process %d",
					s, key, a.id.seq, a.pid, millis(h.ending(longest)-a.begin), key, longest.id.seq, longest.pid)
			}
			if longest == nil || h.ending(a) > h.ending(longest) {
				longest = a
			}
		}
	})
}

// ending is when an attempt ended: by itself, with its process, or never.
func (h *History) ending(a *attempt) int64 {
	if a.end != 0 {
		return a.end
	}
	if died := h.died[a.pid]; died != 0 {
		return died
	}
	return math.MaxInt64
}

// silenced tells that the attempt had begun before its member could no longer be heard, which was before the
// other attempt began.
func (h *History) silenced(a *attempt, other int64) bool {
	heard := func(t int64) bool { return a.begin <= t+slack && t <= other }
	return slices.ContainsFunc(h.silences[a.pid], heard) || slices.ContainsFunc(h.silences[0], heard)
}
