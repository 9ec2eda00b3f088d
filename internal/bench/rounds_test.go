package bench

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNobodyAlwaysRunsAfterTheSameOne(t *testing.T) {
	t.Parallel()
	subjects := []subject{{name: "a"}, {name: "b"}, {name: "c"}}
	first, after := map[string]int{}, map[string]int{}
	for round := range 6 {
		order := turns(subjects, round)
		first[order[0].name]++
		for i, who := range order[1:] {
			after[order[i].name+who.name]++
		}
	}
	wantAfter := map[string]int{"ab": 2, "ac": 2, "ba": 2, "bc": 2, "ca": 2, "cb": 2}
	if diff := cmp.Diff(map[string]int{"a": 2, "b": 2, "c": 2}, first) + cmp.Diff(wantAfter, after); diff != "" {
		t.Error(diff)
	}
}
