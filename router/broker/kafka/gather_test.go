package kafka

import (
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

func named(topic string) handed { return handed{rec: &broker.Record{Topic: topic}} }

func TestWhatComesWhileRecordsAreHandedOverGoesTogetherInOrder(t *testing.T) {
	t.Parallel()
	got, goOn := make(chan []string), make(chan struct{})
	g := gathering{hand: func(hs []handed) {
		var topics []string
		for _, h := range hs {
			topics = append(topics, h.rec.Topic)
		}
		got <- topics
		<-goOn
	}}
	if g.behind(false, named("alone")) {
		t.Error("a record alone is gathered")
	}
	g.behind(true, named("first"))
	if diff := cmp.Diff([]string{"first"}, <-got); diff != "" {
		t.Error(diff)
	}
	if !g.behind(false, named("a"), named("b")) || !g.behind(true, named("c")) || !g.behind(false, named("d")) {
		t.Error("a record overtakes others")
	}
	goOn <- struct{}{}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, <-got); diff != "" {
		t.Error(diff)
	}
	goOn <- struct{}{}
	for g.behind(false) { // until the goroutine has ended
		runtime.Gosched()
	}
}

func TestAPassHandsOverWhatWaitsBeforeItReturns(t *testing.T) {
	t.Parallel()
	var got []string
	begun, goOn := make(chan struct{}), make(chan struct{})
	g := gathering{hand: func(hs []handed) {
		for _, h := range hs {
			if h.rec.Topic == "first" {
				close(begun)
				<-goOn
			}
			got = append(got, h.rec.Topic)
		}
	}}
	g.behind(true, named("first"))
	<-begun
	g.behind(true, named("second"))
	time.AfterFunc(time.Millisecond, func() { close(goOn) })
	g.pass()
	if diff := cmp.Diff([]string{"first", "second"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFlushHandsOverWhatWaits(t *testing.T) {
	t.Parallel()
	cl, err := kgo.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var p producer
	p.cl.Store(cl)
	n := 0
	p.gathered = gathering{hand: func(hs []handed) { n += len(hs) }, waiting: []handed{named("a"), named("b")}, busy: true}
	if err := p.Flush(t.Context()); err != nil || n != 2 {
		t.Errorf("%d of 2 records are handed over: %v", n, err)
	}
}
