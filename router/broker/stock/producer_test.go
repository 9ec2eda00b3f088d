package stock_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/stock"
)

var errRefused = errors.New("refused")

func outgoing(m *message.Message) *broker.Record {
	out := stock.OutgoingFrom(m.Context())
	out.Receipt = func() broker.Receipt { return broker.Receipt{Topic: out.Record.Topic, Offset: "7"} }
	return out.Record
}

func configFor(pub message.Publisher) stock.ProducerConfig {
	return stock.ProducerConfig{
		Open: func() (message.Publisher, error) { return pub, nil },
		Check: func(r *broker.Record) error {
			if r.Topic == "full" {
				return broker.ErrTooLarge
			}
			return nil
		},
		Explain: func(_ string, err error) (error, bool) { return err, errors.Is(err, errRefused) },
	}
}

func produce(p *stock.Producer, rs ...*broker.Record) (errs []error) {
	var wg sync.WaitGroup
	errs = make([]error, len(rs))
	for i, r := range rs {
		wg.Add(1)
		p.Produce(context.Background(), r, func(_ broker.Receipt, err error) { errs[i] = err; wg.Done() })
	}
	wg.Wait()
	return errs
}

func TestRecordsOfAKeyGoInOrderAndOthersSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		got := map[string][]string{}
		pub := &publisher{f: func(_ string, r *broker.Record) error {
			<-time.After(time.Second)
			mu.Lock()
			defer mu.Unlock()
			got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
			return nil
		}}
		p := stock.NewProducer(configFor(pub))
		want := map[string][]string{}
		var rs []*broker.Record
		for i := range 40 {
			key, value := fmt.Sprint("k", i%4), strconv.Itoa(i)
			want[key] = append(want[key], value)
			rs = append(rs, &broker.Record{Topic: "t", Key: []byte(key), Value: []byte(value)})
		}
		for range 20 {
			rs = append(rs, &broker.Record{Topic: "t2"})
		}
		begun := time.Now()
		produce(p, rs...)
		delete(got, "")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if took := time.Since(begun); took < 10*time.Second || took > 45*time.Second {
			t.Errorf("60 publishes of a second took %v", took)
		}
		if err := p.Close(t.Context()); err != nil || !pub.closed {
			t.Errorf("close: %v, publisher closed: %v", err, pub.closed)
		}
	})
}

func TestAnOutageIsWaitedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var got []string
		pub := &publisher{f: func(_ string, r *broker.Record) error {
			if time.Since(begun) < 24*time.Hour {
				return errBroken
			}
			got = append(got, string(r.Value))
			return nil
		}}
		p := stock.NewProducer(configFor(pub))
		a, b := &broker.Record{Key: []byte("k"), Value: []byte("1")}, &broker.Record{Key: []byte("k"), Value: []byte("2")}
		if diff := cmp.Diff([]error{nil, nil}, produce(p, a, b)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"1", "2"}, got); diff != "" {
			t.Error(diff)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want error
		took time.Duration
	}{
		{"written", nil, nil, 0},
		{"refused at once", errRefused, errRefused, 0},
		{"unknown at the timeout", errBroken, broker.ErrOutcomeUnknown, 3100 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := configFor(&publisher{f: func(string, *broker.Record) error { return tt.err }})
				cfg.Timeout = 5 * time.Second
				p := stock.NewProducer(cfg)
				begun := time.Now()
				if errs := produce(p, &broker.Record{Topic: "t"}); !errors.Is(errs[0], tt.want) {
					t.Errorf("got %v, want %v", errs[0], tt.want)
				}
				if took := time.Since(begun); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if err := p.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWhatIsRefusedAfterAFailureMayHaveBeenWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failures := []error{errBroken, errRefused}
		p := stock.NewProducer(configFor(&publisher{f: func(string, *broker.Record) (err error) {
			err, failures = failures[0], failures[1:]
			return err
		}}))
		if errs := produce(p, &broker.Record{Topic: "t"}); !errors.Is(errs[0], broker.ErrOutcomeUnknown) || !errors.Is(errs[0], errRefused) {
			t.Error(errs[0])
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAFullProducerBlocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		cfg := configFor(&publisher{f: func(string, *broker.Record) error { <-gate; return nil }})
		cfg.Room = 2
		p := stock.NewProducer(cfg)
		for range 2 {
			p.Produce(t.Context(), &broker.Record{}, func(broker.Receipt, error) {})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.Produce(ctx, &broker.Record{}, func(_ broker.Receipt, err error) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("produce into a full producer: %v", err)
			}
		})
		if err := p.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("flush: %v", err)
		}
		close(gate)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseGivesUpWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := stock.NewProducer(configFor(&publisher{f: func(string, *broker.Record) error { return errBroken }}))
		var errs []error
		for range 2 { // one is tried, one waits for it
			p.Produce(t.Context(), &broker.Record{Key: []byte("k")}, func(_ broker.Receipt, err error) { errs = append(errs, err) })
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		if len(errs) != 2 || !errors.Is(errs[0], broker.ErrOutcomeUnknown) || !errors.Is(errs[1], broker.ErrClosed) {
			t.Errorf("errors are %v", errs)
		}
		if late := produce(p, &broker.Record{}); !errors.Is(late[0], broker.ErrClosed) {
			t.Errorf("produce after close: %v", late[0])
		}
	})
}

func TestReceiptAndCheck(t *testing.T) {
	t.Parallel()
	p := stock.NewProducer(configFor(&publisher{f: func(string, *broker.Record) error { return nil }}))
	got := make(chan broker.Receipt, 1)
	p.Produce(t.Context(), &broker.Record{Topic: "t"}, func(rc broker.Receipt, _ error) { got <- rc })
	if diff := cmp.Diff(broker.Receipt{Topic: "t", Offset: "7"}, <-got); diff != "" {
		t.Error(diff)
	}
	large := &broker.Record{Topic: "full"}
	if err := p.Check(large); !errors.Is(err, broker.ErrTooLarge) {
		t.Errorf("check: %v", err)
	}
	if errs := produce(p, large); !errors.Is(errs[0], broker.ErrTooLarge) {
		t.Errorf("produce: %v", errs[0])
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
