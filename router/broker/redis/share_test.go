package redis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSharesBecomeEven lets members act on their plans, one after the other, as they come
// and go.
func TestSharesBecomeEven(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		holders := make([]string, 1+r.IntN(12))
		for range 4 { // changes of membership
			members := someMembers(r)
			for p, h := range holders {
				if h != "" && !slices.Contains(members, h) {
					holders[p] = "" // a lease that ran out
				}
			}
			moves := settleShares(members, holders)
			checkEven(t, members, holders)
			if moves > 2*len(holders) {
				t.Errorf("%d moves for %d partitions", moves, len(holders))
			}
		}
	}
}

func someMembers(r *rand.Rand) (ms []string) {
	for i := range 6 {
		if r.IntN(2) == 0 {
			ms = append(ms, fmt.Sprint("m", i))
		}
	}
	if len(ms) == 0 {
		ms = []string{"m0"}
	}
	return ms
}

// settleShares repeats rounds until no member wants anything else and counts the moves.
func settleShares(members, holders []string) (moves int) {
	for range 10 * len(holders) {
		for _, m := range members {
			pl := share(m, members, holders)
			for _, p := range pl.give {
				holders[p] = ""
				moves++
			}
			for _, p := range pl.take {
				if holders[p] == "" {
					holders[p] = m
					moves++
				}
			}
		}
	}
	return moves
}

func checkEven(t *testing.T, members, holders []string) {
	t.Helper()
	counts := map[string]int{}
	for p, h := range holders {
		if h == "" {
			t.Fatalf("partition %d of %d has no owner among %v", p, len(holders), members)
		}
		counts[h]++
	}
	least := len(holders) / len(members)
	for _, m := range members {
		if counts[m] < least || counts[m] > least+1 {
			t.Fatalf("%s has %d of %d partitions among %v: %v", m, counts[m], len(holders), members, holders)
		}
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	for id, before := range map[string]string{"5-3": "5-2", "5-0": "4-18446744073709551615", "0-0": "0-0"} {
		if got := parseID(id).before().String(); got != before {
			t.Errorf("before %s is %s, not %s", id, got, before)
		}
	}
	if parseID("9-1").compare(parseID("10-0")) >= 0 {
		t.Error("ids are compared as text")
	}
	if got := parseID("61000-7").earlier(rewind).String(); got != "1000-0" {
		t.Errorf("a minute before is %s", got)
	}
}

// FuzzEntry feeds what foreign producers may have written.
func FuzzEntry(f *testing.F) {
	f.Add("id", "\x81\xa1a\xa1b", "v", "\x92\xa1a\xc4\x01b")
	f.Add("", "\xdf\xff\xff\xff\xff", "", "\xdd\xff\xff\xff\xff")
	f.Fuzz(func(t *testing.T, id, metadata, payload, headers string) {
		r := DecodeEntry("t", "1-1", map[string]string{fieldID: id, fieldMetadata: metadata, fieldPayload: payload, fieldHeaders: headers})
		if r.ID != id || r.Value != nil && string(r.Value) != payload {
			t.Errorf("got %q %q", r.ID, r.Value)
		}
	})
}
