package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/leat-go/leat/internal/testservers"
)

// suite tries faults one after the other.
type suite struct {
	o    Options
	park *park
	out  *json.Encoder
}

// Run tries the faults on each broker and writes a line for each. The error tells that a promise was broken
// or that something could not be tried.
func Run(ctx context.Context, o Options, brokers []string, fs []fault, stdout io.Writer) (err error) {
	if o.Binary == "" {
		if o.Binary, err = os.Executable(); err != nil {
			return err
		}
	}
	s := suite{o, newPark(), json.NewEncoder(stdout)}
	for _, b := range brokers {
		for _, f := range fs {
			if k, ok := f.on(b); ok && ctx.Err() == nil {
				err = errors.Join(err, s.try(ctx, b, f, k))
			}
		}
		err = errors.Join(err, s.park.close())
	}
	return errors.Join(err, ctx.Err())
}

func (s suite) try(ctx context.Context, broker string, f fault, k kind) error {
	r := report{Time: time.Now().UTC(), Broker: broker, Fault: f.name, Servers: string(k), With: s.o.With, Seed: s.o.Seed, Messages: s.o.Messages}
	s.o.Talk("%s on %s …", f.name, k)
	err := s.do(ctx, f, k, &r)
	r.TookMs = time.Since(r.Time).Milliseconds()
	return errors.Join(err, s.out.Encode(r))
}

func (s suite) do(ctx context.Context, f fault, k kind, r *report) error {
	v, dir, err := s.run(ctx, f, k)
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

func (s suite) run(ctx context.Context, f fault, k kind) (*Verdict, string, error) {
	servers, err := s.park.get(ctx, k)
	if err != nil {
		return nil, "", err
	}
	r, err := newRun(s.o, f, servers)
	if err != nil {
		return nil, "", err
	}
	v, err := r.all(ctx)
	return v, r.dir, err
}
