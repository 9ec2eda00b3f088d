package chaos

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// id names a message.
type id struct {
	key string
	seq int
}

// attempt is one run of a handler.
type attempt struct {
	id         id
	pid        int
	begin, end int64 // end 0: still open
	finished   bool
	partition  int32
	offset     string
	hash       uint64
}

// message is what is known of one message.
type message struct {
	sent, acked int64
	outcome     Kind // Send: nobody knows yet
	hash        uint64
	fate        Fate
	dead        []int64
	done        [2]int64 // the first finish, by stage
}

// settled tells that everything that was to happen with an acknowledged message has happened.
func (m *message) settled(stages []Stage) bool {
	if m.outcome != Acked {
		return true
	}
	if m.fate.fatal() {
		return len(m.dead) > 0
	}
	for _, s := range stages {
		if m.done[s.index()] == 0 {
			return false
		}
	}
	return true
}

// open names an attempt that has begun.
type open struct {
	pid     int
	stage   Stage
	id      id
	offset  string
	attempt int
}

// span is the time of a fault; to is 0 while it lasts.
type span struct{ from, to int64 }

// History is what the logs tell, in any order of the logs and in the order of each. The zero value is not
// usable; see [NewHistory].
type History struct {
	stages   []Stage
	messages map[id]*message
	attempts map[Stage]map[string][]*attempt // by key
	open     map[open]*attempt
	strange  []Event // ended without having begun
	faults   []span
	silences map[int][]int64
	died     map[int]int64
	commits  []Event
	count    map[Kind]int
}

// NewHistory returns an empty history. Every message is to be finished in all the stages.
func NewHistory(stages ...Stage) *History {
	return &History{
		stages: stages, messages: map[id]*message{}, attempts: map[Stage]map[string][]*attempt{},
		open: map[open]*attempt{}, silences: map[int][]int64{}, died: map[int]int64{}, count: map[Kind]int{},
	}
}

// Add takes one event.
func (h *History) Add(e Event) {
	h.count[e.Kind]++
	switch e.Kind {
	case Send, Acked, Failed, Unknown:
		h.sent(e)
	case Begin, Finish, Error:
		h.handled(e)
	case Dead:
		h.buried(e)
	default:
		h.happened(e)
	}
}

// message returns what is known of a message; it may not have been sent yet as far as the logs were read.
func (h *History) message(i id) *message {
	m := h.messages[i]
	if m == nil {
		m = &message{}
		h.messages[i] = m
	}
	return m
}

func (h *History) sent(e Event) {
	m := h.message(id{e.Key, e.Seq})
	m.outcome = e.Kind
	switch e.Kind {
	case Send:
		m.sent, m.hash, m.fate = e.Time, e.Hash, e.Fate
	case Acked:
		m.acked = e.Time
	default:
	}
}

func (h *History) handled(e Event) {
	i := id{e.Key, e.Seq}
	o := open{e.PID, e.Stage, i, e.Offset, e.Attempt}
	if e.Kind == Begin {
		a := &attempt{id: i, pid: e.PID, begin: e.Time, partition: e.Partition, offset: e.Offset, hash: e.Hash}
		h.open[o] = a
		h.keep(e.Stage, a)
		return
	}
	a := h.open[o]
	if a == nil {
		h.strange = append(h.strange, e)
		return
	}
	delete(h.open, o)
	a.end, a.finished = e.Time, e.Kind == Finish
	if d := &h.message(i).done[e.Stage.index()]; a.finished && (*d == 0 || e.Time < *d) {
		*d = e.Time
	}
}

func (h *History) keep(s Stage, a *attempt) {
	if h.attempts[s] == nil {
		h.attempts[s] = map[string][]*attempt{}
	}
	h.attempts[s][a.id.key] = append(h.attempts[s][a.id.key], a)
}

func (h *History) buried(e Event) {
	m := h.message(id{e.Key, e.Seq})
	m.dead = append(m.dead, e.Time)
}

func (h *History) happened(e Event) {
	switch e.Kind {
	case Fault:
		h.faults = append(h.faults, span{from: e.Time})
	case Healed:
		h.faults[len(h.faults)-1].to = e.Time
	case Silenced:
		h.silences[e.PID] = append(h.silences[e.PID], e.Time)
	case Died:
		h.died[e.PID] = e.Time
	case Commit:
		h.commits = append(h.commits, e)
	default:
	}
}

// Unsettled is how many acknowledged messages are still to be finished or buried.
func (h *History) Unsettled() (n int) {
	for _, m := range h.messages {
		if !m.settled(h.stages) {
			n++
		}
	}
	return n
}

// Finished is how many attempts succeeded or were buried, in all stages.
func (h *History) Finished() int { return h.count[Finish] + h.count[Dead] }

// finishes returns the successful attempts of a key, the earliest finish first.
func finishes(as []*attempt) []*attempt {
	done := slices.DeleteFunc(slices.Clone(as), func(a *attempt) bool { return !a.finished })
	slices.SortStableFunc(done, func(a, b *attempt) int { return cmp.Compare(a.end, b.end) })
	return done
}

// position is an offset of Kafka or an id of Redis as a number that grows with it.
func position(offset string) (int64, bool) {
	ms, seq, isID := strings.Cut(offset, "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || !isID {
		return n, err == nil
	}
	more, err := strconv.ParseInt(seq, 10, 64)
	return n<<idBits + more, err == nil && more < 1<<idBits
}

// idBits hold the second half of an id of Redis; the first, in milliseconds, needs 41 until the year 2039.
const idBits = 20
