package chaos

import (
	"cmp"
	"maps"
	"slices"
)

// sorted returns the messages in the order of keys and numbers, so that verdicts read the same each time.
func (h *History) sorted() []id {
	return slices.SortedFunc(maps.Keys(h.messages), func(a, b id) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.seq, b.seq))
	})
}

// checkLoss finds what was acknowledged and did not come to its end.
func checkLoss(h *History, r Rules, v *Verdict) {
	unexcused := 0
	for _, i := range h.sorted() {
		m := h.messages[i]
		if m.settled(h.stages) {
			continue
		}
		v.Lost++
		v.LossWindow = max(v.LossWindow, h.window(m))
		if !r.Lossy || !h.forgotten(m) {
			unexcused++
			v.violate(unexcused, "loss: %s/%d (%s) was acknowledged, finished %v, dead letters %d", i.key, i.seq, m.fate, h.reached(m), len(m.dead))
		}
	}
}

// forgotten tells that the message may have been with the server when a fault was not over yet: it was on
// its way before. Its acknowledgement is noted a little later than it was given.
func (h *History) forgotten(m *message) bool {
	return slices.ContainsFunc(h.faults, func(f span) bool { return f.to == 0 || m.sent <= f.to })
}

// reached are the stages that finished the message.
func (h *History) reached(m *message) (stages []Stage) {
	for _, s := range h.stages {
		if m.done[s.index()] != 0 {
			stages = append(stages, s)
		}
	}
	return stages
}

// window is how long before the fault a lost message had been acknowledged.
func (h *History) window(m *message) Millis {
	if len(h.faults) == 0 {
		return 0
	}
	return max(0, millis(h.faults[0].from-m.acked))
}

// checkPhantoms finds what was handled though it was never written, and ends without a beginning.
func checkPhantoms(h *History, _ Rules, v *Verdict) {
	for _, i := range h.sorted() {
		m := h.messages[i]
		handled := len(h.reached(m)) > 0 || len(m.dead) > 0
		if handled && (m.sent == 0 || m.outcome == Failed) {
			v.Phantoms++
			v.violate(v.Phantoms, "phantom: %s/%d was handled, its sending was %q", i.key, i.seq, m.outcome)
		}
	}
	for _, e := range h.strange {
		v.Phantoms++
		v.violate(v.Phantoms, "phantom: %s of %s/%d without its beginning", e.Kind, e.Key, e.Seq)
	}
}

// checkPayloads finds handlers that received something else than was sent.
func checkPayloads(h *History, _ Rules, v *Verdict) {
	h.eachKey(func(s Stage, _ string, as []*attempt) {
		for _, a := range as {
			if m := h.messages[a.id]; m != nil && m.sent != 0 && m.hash != a.hash {
				v.Corrupt++
				v.violate(v.Corrupt, "corruption: %s/%d arrived at %s with hash %x, was sent with %x", a.id.key, a.id.seq, s, a.hash, m.hash)
			}
		}
	})
}

// checkBuriedTwice finds second dead letters of a message, and letters of messages that deserved none.
func checkBuriedTwice(h *History, r Rules, v *Verdict) {
	for _, i := range h.sorted() {
		m := h.messages[i]
		if len(m.dead) > 0 && m.sent != 0 && !m.fate.fatal() {
			v.Phantoms++
			v.violate(v.Phantoms, "phantom: %s/%d (%s) is in the dead letters", i.key, i.seq, m.fate)
		}
		slices.Sort(m.dead)
		for n := 1; n < len(m.dead); n++ {
			v.Repeats.Redelivered++
			h.repeat(r, v, "dead letter of", i, m.dead[0], m.dead[n])
		}
	}
}

// repeat judges a second time by the faults.
func (h *History) repeat(r Rules, v *Verdict, what string, i id, first, again int64) {
	if h.explained(r, first, again) {
		return
	}
	v.Repeats.Unexplained++
	v.violate(v.Repeats.Unexplained, "repeat: %s %s/%d again %d ms after the first time, and no fault explains it", what, i.key, i.seq, millis(again-first))
}

// eachKey visits the attempts of each stage and key.
func (h *History) eachKey(f func(Stage, string, []*attempt)) {
	for _, s := range h.stages {
		for _, key := range slices.Sorted(maps.Keys(h.attempts[s])) {
			f(s, key, h.attempts[s][key])
		}
	}
}
