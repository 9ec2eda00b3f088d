package chaos

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what an event tells.
type Kind string

// The kinds of events. The first four are a producer's, the next five a member's, the rest the parent's.
const (
	Send    Kind = "send"    // about to be published
	Acked   Kind = "acked"   // the broker has it
	Failed  Kind = "failed"  // certainly not written
	Unknown Kind = "unknown" // may have been written, or may still be

	Ready  Kind = "ready"  // the member consumes
	Begin  Kind = "begin"  // an attempt of the handler begins
	Finish Kind = "finish" // it succeeded
	Error  Kind = "error"  // it failed or was interrupted
	Dead   Kind = "dead"   // the message was read from the dead letters

	Fault    Kind = "fault"    // a fault begins
	Healed   Kind = "healed"   // it is over
	Silenced Kind = "silenced" // the member PID (0: every member) cannot be heard any more
	Died     Kind = "died"     // the process PID is gone
	Commit   Kind = "commit"   // Offset is what the group has committed for Partition
)

// Stage is where in the service something happened.
type Stage string

// The stages.
const (
	In      Stage = "in"   // the handler of the topic that producers write to
	Out     Stage = "out"  // the handler of the topic that workers write to
	Letters Stage = "dead" // the reader of the dead letters
	Nowhere Stage = "-"
)

// index is the place of a handler's stage in a pair.
func (s Stage) index() int {
	if s == Out {
		return 1
	}
	return 0
}

// Fate is what is to become of a message.
type Fate string

// The fates.
const (
	Fine   Fate = "fine"   // handled at once
	Flaky  Fate = "flaky"  // handled after one failed attempt
	Doomed Fate = "doomed" // fails always: to the dead letters
	Poison Fate = "poison" // cannot be decoded: to the dead letters
	NoFate Fate = "-"
)

// fatal tells that messages of this fate end in the dead letters.
func (f Fate) fatal() bool { return f == Doomed || f == Poison }

// Event is one line of a log. Fields that a kind does not need are zero.
type Event struct {
	Time      int64 // Unix nanoseconds; all processes read one clock
	Kind      Kind
	PID       int
	Stage     Stage
	Key       string
	Seq       int // counts the messages of Key from 1
	Partition int32
	Offset    string
	Attempt   int
	Hash      uint64 // of the payload
	Fate      Fate
}

// fields is how many words a line has.
const fields = 11

// append adds the event's line to b.
func (e Event) append(b []byte) []byte {
	return fmt.Appendf(b, "%d %s %d %s %s %d %d %s %d %x %s\n", e.Time, e.Kind, e.PID, word(string(e.Stage)),
		word(e.Key), e.Seq, e.Partition, word(e.Offset), e.Attempt, e.Hash, word(string(e.Fate)))
}

func word(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// parseEvent reads a line of a log, without its end.
func parseEvent(line string) (Event, error) {
	w := strings.Fields(line)
	if len(w) != fields {
		return Event{}, fmt.Errorf("log line %q: %d words, want %d", line, len(w), fields)
	}
	var n numbers
	e := Event{
		Time: n.decimal(w[0]), Kind: Kind(w[1]), PID: int(n.decimal(w[2])), Stage: Stage(w[3]), Key: w[4],
		Seq: int(n.decimal(w[5])), Partition: int32(n.decimal(w[6])), Offset: w[7], Attempt: int(n.decimal(w[8])), //nolint:gosec // we wrote it
		Hash: n.hex(w[9]), Fate: Fate(w[10]),
	}
	if n.err != nil {
		return Event{}, fmt.Errorf("log line %q: %w", line, n.err)
	}
	return e, nil
}

// numbers reads several numbers and keeps the first error.
type numbers struct{ err error }

func (n *numbers) decimal(s string) int64 {
	v, err := strconv.ParseInt(s, 10, 64)
	n.keep(err)
	return v
}

func (n *numbers) hex(s string) uint64 {
	v, err := strconv.ParseUint(s, 16, 64)
	n.keep(err)
	return v
}

func (n *numbers) keep(err error) {
	if n.err == nil {
		n.err = err
	}
}
