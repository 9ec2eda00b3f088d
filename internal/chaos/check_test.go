package chaos

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// at is a moment of the test logs, in milliseconds.
func at(ms int64) int64 { return 1_000_000_000 + ms*int64(time.Millisecond) }

func sending(ms int64, seq int) []Event {
	return []Event{
		{Time: at(ms), Kind: Send, PID: 1, Stage: In, Key: "k", Seq: seq, Hash: 7, Fate: Fine},
		{Time: at(ms + 1), Kind: Acked, PID: 1, Stage: In, Key: "k", Seq: seq},
	}
}

func handling(from, to int64, pid, seq int) []Event {
	e := Event{Time: at(from), Kind: Begin, PID: pid, Stage: In, Key: "k", Seq: seq, Hash: 7, Offset: strconv.Itoa(seq), Attempt: 1}
	f := e
	f.Time, f.Kind = at(to), Finish
	return []Event{e, f}
}

// cleanLog is a run of three messages of one key and a fault from 100 to 200 ms.
func cleanLog() []Event {
	var es []Event
	for seq := 1; seq <= 3; seq++ {
		es = append(es, sending(int64(seq), seq)...)
		es = append(es, handling(int64(40*seq), int64(40*seq+10), 2, seq)...)
	}
	return append(es,
		Event{Time: at(100), Kind: Fault}, Event{Time: at(200), Kind: Healed},
		Event{Time: at(300), Kind: Commit, Offset: "4"},
	)
}

// without drops the events that match.
func without(es []Event, drop func(Event) bool) (kept []Event) {
	for _, e := range es {
		if !drop(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

// changed edits the events that match.
func changed(es []Event, match func(Event) bool, edit func(*Event)) []Event {
	for i := range es {
		if match(es[i]) {
			edit(&es[i])
		}
	}
	return es
}

func of(seq int, kinds ...Kind) func(Event) bool {
	return func(e Event) bool {
		for _, k := range kinds {
			if e.Seq == seq && e.Kind == k {
				return true
			}
		}
		return false
	}
}

// judged checks the events after a trip through the text of a log.
func judged(t *testing.T, es []Event, r Rules, peaks map[int]int64) *Verdict {
	t.Helper()
	h := NewHistory(In)
	for _, e := range es {
		back, err := parseEvent(strings.TrimSuffix(string(e.append(nil)), "\n"))
		if err != nil {
			t.Fatal(err)
		}
		h.Add(back)
	}
	return Check(h, r, peaks)
}

func TestCleanLogPasses(t *testing.T) {
	t.Parallel()
	v := judged(t, cleanLog(), Rules{Memory: 1 << 20}, map[int]int64{2: 1000})
	if !v.Passed() || v.Sent != 3 || v.Acked != 3 || v.Finished != 3 {
		t.Errorf("%+v", v)
	}
}

func TestSeededDefectsAreFlagged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		events []Event
		rules  Rules
		peaks  map[int]int64
		sort   string
	}{
		"dropped":                     {events: without(cleanLog(), of(2, Begin, Finish)), sort: "loss: k/2 "},
		"never finished":              {events: without(cleanLog(), of(3, Finish)), sort: "loss: k/3 "},
		"doubled":                     {events: append(cleanLog(), handling(310, 320, 2, 2)...), sort: "repeat: in finished k/2 "},
		"doubled before it":           {events: append(cleanLog(), handling(60, 70, 2, 1)...), rules: Rules{Repeats: time.Second}, sort: "repeat: in finished k/1 "},
		"doubled long after":          {events: append(cleanLog(), append(append(sending(900_000, 4), handling(900_010, 900_020, 2, 4)...), handling(900_030, 900_040, 2, 4)...)...), rules: Rules{Repeats: time.Second}, sort: "repeat: in finished k/4 "},
		"swapped":                     {events: changed(cleanLog(), of(2, Begin, Finish), func(e *Event) { e.Time += at(100) - at(0) }), sort: "order: in finished k/2 after 3"},
		"committed early":             {events: append(cleanLog(), Event{Time: at(100), Kind: Commit, Offset: "4"}), sort: "commit: partition 0 was committed up to 4 before 3 "},
		"acknowledged early on Redis": {events: append(changed(cleanLog(), of(3, Begin, Finish), func(e *Event) { e.Offset = "5-3" }), Event{Time: at(100), Kind: Commit, Offset: "5-4"}), sort: "commit: partition 0 was committed up to "},
		"lost after the fault":        {events: append(cleanLog(), sending(300, 4)...), rules: Rules{Lossy: true}, sort: "loss: k/4 "},
		"corrupted":                   {events: changed(cleanLog(), of(2, Begin), func(e *Event) { e.Hash = 8 }), sort: "corruption: k/2 "},
		"phantom":                     {events: append(cleanLog(), handling(310, 320, 2, 4)...), sort: "phantom: k/4 "},
		"refused and handled":         {events: changed(cleanLog(), of(2, Acked), func(e *Event) { e.Kind = Failed }), sort: `phantom: k/2 was handled, its sending was "failed"`},
		"wrongly dead":                {events: append(cleanLog(), Event{Time: at(300), Kind: Dead, Key: "k", Seq: 1}), sort: "phantom: k/1 (fine) is in the dead letters"},
		"end without begin":           {events: without(cleanLog(), of(2, Begin)), sort: "phantom: finish of k/2 "},
		"overlapping":                 {events: changed(cleanLog(), of(1, Finish), func(e *Event) { e.Time = at(85) }), sort: "overlap: in of k/2 "},
		"overlap of two members": {
			events: append(cleanLog(), handling(45, 60, 3, 1)...), rules: Rules{Repeats: time.Second}, sort: "overlap: in of k/1 in process 3",
		},
		"woken and begun": {events: append(append(cleanLog(), handling(121, 140, 3, 3)...), Event{Time: at(10), Kind: Silenced, PID: 2}), rules: Rules{Repeats: time.Second}, sort: "overlap: in of k/3 in process 3"},
		"silenced too late": {
			events: append(append(cleanLog(), handling(45, 60, 3, 1)...), Event{Time: at(47), Kind: Silenced, PID: 2}), rules: Rules{Repeats: time.Second},
			sort: "overlap: in of k/1 in process 3",
		},
		"lost behind losses that the server is known for": {
			events: append(cleanLog(), slices.Concat(sending(4, 4), sending(5, 5), sending(6, 6), sending(300, 7))...), rules: Rules{Lossy: true},
			sort: "loss: k/7 ",
		},
		"stuck":     {events: changed(cleanLog(), of(3, Begin, Finish), func(e *Event) { e.Time += int64(time.Minute) }), sort: "liveness: partition 0 "},
		"too large": {events: cleanLog(), rules: Rules{Memory: 1 << 20}, peaks: map[int]int64{2: 2 << 20}, sort: "memory: process 2 had 2 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := judged(t, tt.events, tt.rules, tt.peaks)
			if !strings.Contains(strings.Join(v.Violations, "\n"), tt.sort) {
				t.Errorf("not flagged as %q: %q", tt.sort, v.Violations)
			}
		})
	}
}

func TestExcusesAreAccepted(t *testing.T) {
	t.Parallel()
	doomed := func(e *Event) { e.Fate = Doomed }
	for name, tt := range map[string]struct {
		events []Event
		rules  Rules
	}{
		"a repeat after a fault":                           {append(cleanLog(), handling(310, 320, 2, 2)...), Rules{Repeats: time.Second}},
		"a loss that the server is known for":              {without(cleanLog(), of(2, Begin, Finish)), Rules{Lossy: true}},
		"unknown and not written":                          {changed(without(cleanLog(), of(2, Begin, Finish)), of(2, Acked), func(e *Event) { e.Kind = Unknown }), Rules{}},
		"unknown and written":                              {changed(cleanLog(), of(2, Acked), func(e *Event) { e.Kind = Unknown }), Rules{}},
		"doomed and buried":                                {append(changed(without(cleanLog(), of(3, Begin, Finish)), of(3, Send), doomed), Event{Time: at(300), Kind: Dead, Key: "k", Seq: 3}), Rules{}},
		"a handler that was running when it froze":         {append(append(cleanLog(), handling(125, 140, 3, 3)...), Event{Time: at(122), Kind: Silenced, PID: 2}), Rules{Repeats: time.Second}},
		"a handler that was running when all were cut off": {append(append(cleanLog(), handling(125, 140, 3, 3)...), Event{Time: at(122), Kind: Silenced}), Rules{Repeats: time.Second}},
		"a handler that was running when it was shot":      {append(append(without(cleanLog(), of(3, Finish)), handling(150, 160, 3, 3)...), Event{Time: at(130), Kind: Died, PID: 2}), Rules{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if v := judged(t, tt.events, tt.rules, nil); !v.Passed() {
				t.Errorf("flagged: %q", v.Violations)
			}
		})
	}
}

func TestBadLogLineIsAnError(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "1 send", "x send 1 in k 1 0 - 0 0 fine", "1 send 1 in k 1 0 - 0 g fine"} {
		if _, err := parseEvent(line); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}
