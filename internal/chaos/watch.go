package chaos

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// watch looks after memory and, on Kafka, commits, until ctx ends. The channel is closed when it is done.
func (r *run) watch(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		look := r.commits()
		for wait(ctx, pollEvery) == nil {
			r.fleet.weigh()
			look(ctx)
		}
	}()
	return done
}

// commits returns what notes the commits of the group of the first stage.
func (r *run) commits() func(context.Context) {
	if r.servers.kafka == nil {
		return func(context.Context) {}
	}
	addrs, _, _ := strings.Cut(strings.TrimPrefix(r.servers.env[1], "KAFKA_BOOTSTRAP_SERVERS="), " ")
	c, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(addrs, ",")...), kgo.RequestRetries(1))
	if err != nil {
		return func(context.Context) {}
	}
	adm := kadm.NewClient(c)
	return func(ctx context.Context) {
		if ctx.Err() != nil {
			return
		}
		asking, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if os, err := adm.FetchOffsets(asking, r.names.group(In)); err == nil {
			r.noteCommits(os)
		}
	}
}

func (r *run) noteCommits(os kadm.OffsetResponses) {
	var es []Event
	os.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil && o.At >= 0 && o.Topic == r.names.in().Name {
			es = append(es, Event{Kind: Commit, Partition: o.Partition, Offset: strconv.FormatInt(o.At, 10)})
		}
	})
	if len(es) > 0 {
		_ = r.log.Add(es...)
	}
}
