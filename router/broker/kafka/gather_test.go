package kafka

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leat-go/leat/router/broker"
)

func named(topic string) *broker.Record { return &broker.Record{Topic: topic} }

func TestWhatComesWhileRecordsAreHandedOverGoesTogetherInOrder(t *testing.T) {
	t.Parallel()
	got, goOn := make(chan []string), make(chan struct{})
	g := gathering{hand: func(hs []handed) {
		var topics []string
		for _, h := range hs {
			topics = append(topics, fmt.Sprintf("%s %d of %d", h.rec.Topic, h.i, h.share))
		}
		got <- topics
		<-goOn
	}}
	if g.behind(caller{share: 1}, named("first")) {
		t.Error("the first record is behind others")
	}
	go g.run()
	if diff := cmp.Diff([]string{"first 0 of 1"}, <-got); diff != "" {
		t.Error(diff)
	}
	if !g.behind(caller{share: 2}, named("a"), named("b")) || !g.behind(caller{share: 1}, named("c")) {
		t.Error("a record overtakes others")
	}
	goOn <- struct{}{}
	if diff := cmp.Diff([]string{"a 0 of 2", "b 1 of 2", "c 0 of 1"}, <-got); diff != "" {
		t.Error(diff)
	}
	goOn <- struct{}{}
	for g.behind(caller{}) { // until the goroutine has ended
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
	g.behind(caller{}, named("first"))
	go g.run()
	<-begun
	g.behind(caller{}, named("second"))
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
	p.gathered = gathering{hand: func(hs []handed) { n += len(hs) }, waiting: []handed{{rec: named("a")}, {rec: named("b")}}, busy: true}
	if err := p.Flush(t.Context()); err != nil || n != 2 {
		t.Errorf("%d of 2 records are handed over: %v", n, err)
	}
}

func TestWhatComesWhileMostWavesAreOnTheirWayWaitsForAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var got []string
		var waves []*wave
		g := &gathering{answered: make(chan struct{}, 1)}
		g.hand = func(hs []handed) {
			got = append(got, fmt.Sprintf("%v %s", time.Since(start), hs[0].rec.Topic))
			waves = append(waves, g.newWave(len(hs)))
		}
		send := func(topic string) {
			if !g.behind(caller{}, named(topic), named(topic)) {
				go g.run()
			}
			synctest.Wait()
		}
		for _, topic := range []string{"a", "b", "c"} {
			send(topic)
		}
		send("answered")
		wait(time.Millisecond)
		waves[1].settled(1) // one of two
		wait(time.Millisecond)
		waves[1].settled(1)
		synctest.Wait()
		send("patient")
		wait(time.Minute)
		if diff := cmp.Diff([]string{"0s a", "0s b", "0s c", "2ms answered", "7ms patient"}, got); diff != "" {
			t.Error(diff)
		}
	})
}
