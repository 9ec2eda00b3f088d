package chaos

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestMessagesAreThoseOfABroker requires at least as many messages on each broker as were asked for, and not
// one run's share more.
func TestMessagesAreThoseOfABroker(t *testing.T) {
	t.Parallel()
	ts := plan(Options{Messages: 1_000_000}, []string{"kafka", "redis"}, faults(), memberships())
	sums, runs := map[string]int{}, map[string]int{}
	for _, tr := range ts {
		sums[tr.broker] += tr.messages
		runs[tr.broker]++
	}
	for _, b := range []string{"kafka", "redis"} {
		if sums[b] < 1_000_000 || sums[b] >= 1_000_000+runs[b] {
			t.Errorf("%s: %d messages in %d runs", b, sums[b], runs[b])
		}
	}
	if d := estimate(ts); d < 30*time.Minute || d > 3*time.Hour {
		t.Errorf("that takes %v", d)
	}
}

func TestFaultsAreTriedWithEveryMembershipOfKafka(t *testing.T) {
	t.Parallel()
	tried := map[string][]string{}
	for _, tr := range plan(Options{Messages: 1}, []string{"kafka", "redis"}, faults(), memberships()) {
		name := tr.broker + " " + tr.membership.name
		tried[name] = append(tried[name], tr.fault.name)
	}
	every := "[none member-kill member-stop rolling-restart member-pause rebalance-storm net-cut node-1-kill]"
	for name, want := range map[string]string{
		"kafka range": every, "kafka consumer": every, "kafka static": "[member-kill member-stop rolling-restart]",
		"redis range": "[]", "redis static": "[]",
	} {
		if got := fmt.Sprint(tried[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, f := range faults() {
		for _, b := range []string{"kafka", "redis"} {
			if _, ok := f.on(b); ok != slices.Contains(tried[b+" cooperative"], f.name) {
				t.Errorf("%s on %s is tried: %v", f.name, b, !ok)
			}
		}
	}
}

func TestStaticMembersHaveNames(t *testing.T) {
	t.Parallel()
	static, err := chooseMemberships("static")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(static[0].of(2)); got != "[KAFKA_GROUP_INSTANCE_ID=slot-2]" {
		t.Error(got)
	}
	r := &run{slots: map[*child]int{}}
	for _, slot := range []int{1, 3} {
		c := &child{}
		r.members, r.slots[c] = append(r.members, c), slot
	}
	if got := r.freeSlot(); got != 2 {
		t.Errorf("the free slot is %d, want 2", got)
	}
}

func TestTalliesTellWhatNoServerForgot(t *testing.T) {
	t.Parallel()
	ts := tallies{}
	ts.add(report{Broker: "redis", Verdict: "passed", Judgement: &Verdict{Acked: 10}})
	ts.add(report{Broker: "redis", Verdict: "reported", Judgement: &Verdict{Acked: 10, Lost: 3}})
	ts.add(report{Broker: "redis", Verdict: "violated", Judgement: &Verdict{Acked: 10, Lost: 2, Early: 1}})
	ts.add(report{Broker: "redis", Verdict: "not run"})
	var line string
	ts.print(func(format string, args ...any) { line = fmt.Sprintf(format, args...) })
	want := "redis: 4 runs, 1 passed, 1 where the server forgot; 30 acknowledged, 2 lost that no server forgot, 0 phantoms, 0 out of order, 0 overlaps, 1 early commits"
	if line != want {
		t.Error(line)
	}
}
