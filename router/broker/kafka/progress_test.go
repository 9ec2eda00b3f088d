package kafka

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

var someID = [16]byte{1, 2, 3}

func someProgress(runs, waiting int) dispatch.Progress {
	pr := dispatch.Progress{Next: 1000}
	for i := range int64(runs) {
		pr.Finished = append(pr.Finished, dispatch.Run{From: 1001 + 10*i, To: 1003 + 10*i})
	}
	for i := range int64(waiting) {
		pr.Waiting = append(pr.Waiting, dispatch.Waiting{
			Position: 1000 + 10*i, Attempt: 2 + int(i), Due: time.UnixMilli(1_800_000_000_000 + i), FirstFailed: time.UnixMilli(1_700_000_000_000 - i),
		})
	}
	return pr
}

func TestProgressComesBack(t *testing.T) {
	t.Parallel()
	for name, pr := range map[string]dispatch.Progress{
		"nothing": {Next: 7}, "runs": someProgress(300, 0), "waiting": someProgress(0, 400), "both": someProgress(100, 300),
	} {
		metadata, fits := encodeProgress(someID, &pr, metadataLimit)
		if !fits || len(metadata) > metadataLimit {
			t.Errorf("%s: fits %v, %d bytes", name, fits, len(metadata))
		}
		p, err := decodeProgress(metadata, pr.Next)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := dispatch.Progress{Next: pr.Next}
		p.missing(&got)
		if d := cmp.Diff(pr, got); d != "" || p.topicID != someID {
			t.Errorf("%s: topic %v, %s", name, p.topicID, d)
		}
	}
}

func TestProgressIsCutToItsRoom(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{minMetadata, 100, 1000, metadataLimit} {
		pr := someProgress(5000, 1000)
		metadata, fits := encodeProgress(someID, &pr, limit)
		if fits || len(metadata) > limit {
			t.Errorf("limit %d: fits %v, %d bytes", limit, fits, len(metadata))
		}
		if _, err := decodeProgress(metadata, pr.Next); err != nil {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

func TestMetadataOfOthersMeansNothing(t *testing.T) {
	t.Parallel()
	pr := someProgress(3, 3)
	good, _ := encodeProgress(someID, &pr, metadataLimit)
	for _, s := range []string{"", "kgo-4711", "some text", good[:len(good)-3], good + "AAAA", "B" + good[1:]} {
		if _, err := decodeProgress(s, 0); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func FuzzProgress(f *testing.F) {
	pr := someProgress(3, 3)
	good, _ := encodeProgress(someID, &pr, metadataLimit)
	f.Add(good, int64(1000))
	f.Fuzz(func(t *testing.T, metadata string, next int64) {
		p, err := decodeProgress(metadata, next)
		if err != nil {
			return
		}
		for _, r := range p.finished {
			if r.To < r.From {
				t.Errorf("run %v", r)
			}
		}
	})
}

func TestResumeSkipsTheFinishedAndCountsOn(t *testing.T) {
	t.Parallel()
	p := progress{
		finished: []dispatch.Run{{From: 3, To: 4}, {From: 7, To: 7}, {From: 20, To: 25}},
		waiting:  map[int64]dispatch.Waiting{5: {Position: 5, Attempt: 3}},
	}
	type fed struct {
		Position int64
		Attempt  int
		Finished bool
	}
	var got []fed
	for _, at := range []int64{2, 3, 5, 6, 7, 8, 21} {
		e := dispatch.Entry[*broker.Record]{Position: at}
		p.resume(&e)
		got = append(got, fed{e.Position, e.Attempt, e.Finished})
	}
	want := []fed{{2, 0, false}, {3, 0, true}, {5, 3, false}, {6, 0, false}, {7, 0, true}, {8, 0, false}, {21, 0, true}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var rest dispatch.Progress
	p.missing(&rest)
	if d := cmp.Diff(dispatch.Progress{Finished: []dispatch.Run{{From: 22, To: 25}}}, rest); d != "" {
		t.Error(d)
	}
}
