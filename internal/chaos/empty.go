package chaos

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// recreateTopic deletes the first topic with all that is in it and creates it again.
func recreateTopic(ctx context.Context, r *run) error {
	if r.servers.kafka == nil {
		return r.withRedis(func(c redisClient) error { return c.Del(ctx, r.streams(In)...).Err() })
	}
	return r.withKafka(func(adm *kadm.Client) error {
		if _, err := adm.DeleteTopic(ctx, r.names.in().Name); err != nil {
			return err
		}
		return r.createAgain(ctx, adm)
	})
}

// createAgain repeats while the servers are still deleting.
func (r *run) createAgain(ctx context.Context, adm *kadm.Client) error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		_, err := adm.CreateTopic(ctx, partitions, int16(max(1, r.names.replication)), nil, r.names.in().Name) //nolint:gosec // 1 or 3
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// outlive stops the members' clockwork until a part of the log is trimmed that they have not read.
func outlive(ctx context.Context, r *run) error {
	for _, m := range r.members {
		if err := r.fleet.freeze(m); err != nil {
			return err
		}
	}
	err := errors.Join(wait(ctx, 3*time.Second), r.trim(ctx))
	for _, m := range r.members {
		err = errors.Join(err, r.fleet.thaw(m))
	}
	return err
}

// trim removes everything from the first topic.
func (r *run) trim(ctx context.Context) error {
	if r.servers.kafka != nil {
		return r.withKafka(func(adm *kadm.Client) error {
			ends, err := adm.ListEndOffsets(ctx, r.names.in().Name)
			if err != nil {
				return err
			}
			_, err = adm.DeleteRecords(ctx, ends.Offsets())
			return err
		})
	}
	return r.withRedis(func(c redisClient) (err error) {
		for _, s := range r.streams(In) {
			err = errors.Join(err, c.XTrimMaxLen(ctx, s, 0).Err())
		}
		return err
	})
}
