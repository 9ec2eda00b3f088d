package chaos

import "time"

// trial is one fault on one set-up of servers.
type trial struct {
	broker     string
	fault      fault
	kind       kind
	membership membership
	messages   int
}

// plan lists the trials of a run, a broker after the other. Each broker gets o.Messages, in equal parts.
func plan(o Options, brokers []string, fs []fault, ms []membership) (all []trial) {
	for _, b := range brokers {
		var ts []trial
		for _, m := range ms {
			for _, f := range fs {
				if k, ok := f.on(b); ok && m.on(b, f) {
					ts = append(ts, trial{broker: b, fault: f, kind: k, membership: m})
				}
			}
		}
		for i := range ts {
			ts[i].messages = (o.Messages + len(ts) - 1) / len(ts)
		}
		all = append(all, ts...)
	}
	return all
}

// What a trial costs beside its fault, roughly, on two cores.
const (
	around   = 25 * time.Second // starts, stops, and quiet afterwards
	starting = 10 * time.Second // of servers that no trial before needed
	pace     = 2500             // messages a second when they are many
)

// estimate is about how long trials take.
func estimate(ts []trial) (d time.Duration) {
	started := map[kind]bool{}
	for _, t := range ts {
		producing := max(t.fault.lasts+8*time.Second, time.Duration(t.messages/pace)*time.Second)
		d += producing + around
		if !started[t.kind] {
			d += starting
		}
		started[t.kind] = true
	}
	return d
}

// announce says what is about to happen.
func announce(o Options, ts []trial) {
	for _, b := range []string{"kafka", "redis"} {
		n := 0
		for _, t := range ts {
			if t.broker == b {
				n += t.messages
			}
		}
		if n > 0 {
			o.Talk("%s: %d messages in all", b, n)
		}
	}
	o.Talk("%d runs, about %v", len(ts), estimate(ts).Round(time.Minute))
}

// tally adds up what the verdicts of a broker say.
type tally struct{ runs, passed, reported, acked, lost, phantoms, disorder, overlaps, early int }

func (t *tally) add(r report) {
	t.runs++
	switch r.Verdict {
	case "passed":
		t.passed++
	case "reported":
		t.reported++
	}
	if v := r.Judgement; v != nil {
		t.acked += v.Acked
		t.phantoms += v.Phantoms
		t.disorder += v.Disorder
		t.overlaps += v.Overlaps
		t.early += v.Early
		if r.Verdict != "reported" {
			t.lost += v.Lost
		}
	}
}

// tallies are those of each broker.
type tallies map[string]*tally

func (ts tallies) add(r report) {
	if ts[r.Broker] == nil {
		ts[r.Broker] = &tally{}
	}
	ts[r.Broker].add(r)
}

// print writes a line for each broker.
func (ts tallies) print(talk func(string, ...any)) {
	for _, b := range []string{"kafka", "redis"} {
		if t := ts[b]; t != nil {
			talk("%s: %d runs, %d passed, %d where the server forgot; %d acknowledged, %d lost that no server forgot, %d phantoms, %d out of order, %d overlaps, %d early commits",
				b, t.runs, t.passed, t.reported, t.acked, t.lost, t.phantoms, t.disorder, t.overlaps, t.early)
		}
	}
}
