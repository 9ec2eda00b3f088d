package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/leat-go/leat/internal/testservers"
)

// suite tries faults one after the other.
type suite struct {
	o       Options
	park    *park
	out     *json.Encoder
	tallies tallies
}

// Run tries the faults on each broker, with each membership that the fault is tried with, and writes a line
// for each. The error tells that a promise was broken or that something could not be tried.
func Run(ctx context.Context, o Options, brokers []string, fs []fault, ms []membership, stdout io.Writer) (err error) {
	if o.Binary == "" {
		if o.Binary, err = os.Executable(); err != nil {
			return err
		}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil { // members have folders of their own to run in
		return err
	}
	trials := plan(o, brokers, fs, ms)
	announce(o, trials)
	s := suite{o, newPark(), json.NewEncoder(stdout), tallies{}}
	for i, t := range trials {
		if ctx.Err() != nil {
			break
		}
		o.Talk("%d of %d: %s on %s, %s, about %v left …", i+1, len(trials), t.fault.name, t.kind, t.membership.name, estimate(trials[i:]).Round(time.Minute))
		err = errors.Join(err, s.try(ctx, t))
		if i+1 == len(trials) || trials[i+1].broker != t.broker {
			err = errors.Join(err, s.park.close())
		}
	}
	s.tallies.print(o.Talk)
	return errors.Join(err, s.park.close(), ctx.Err())
}

func (s suite) try(ctx context.Context, t trial) error {
	r := report{
		Time: time.Now().UTC(), Broker: t.broker, Fault: t.fault.name, Servers: string(t.kind), With: s.o.With,
		Seed: s.o.Seed, Messages: t.messages,
	}
	if t.broker == "kafka" {
		r.Membership = t.membership.name
	}
	err := s.do(ctx, t, &r)
	r.TookMs = time.Since(r.Time).Milliseconds()
	s.tallies.add(r)
	return errors.Join(err, s.out.Encode(r))
}

func (s suite) do(ctx context.Context, t trial, r *report) error {
	v, dir, err := s.run(ctx, t)
	r.Judgement = v
	switch {
	case errors.Is(err, testservers.ErrUnavailable):
		r.Verdict, r.Reason = "not run", err.Error()
		return nil
	case err != nil:
		r.Verdict, r.Reason, r.Logs = "error", err.Error(), dir
		return err
	case !v.Passed():
		r.Verdict, r.Logs = "violated", dir
		return errViolation
	case v.Lost > 0:
		r.Verdict = "reported"
	default:
		r.Verdict = "passed"
	}
	return os.RemoveAll(dir)
}

func (s suite) run(ctx context.Context, t trial) (*Verdict, string, error) {
	servers, err := s.park.get(ctx, t.kind)
	if err != nil {
		return nil, "", err
	}
	r, err := newRun(s.o, t, servers)
	if err != nil {
		return nil, "", err
	}
	v, err := r.all(ctx)
	return v, r.dir, err
}
