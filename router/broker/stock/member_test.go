package stock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/stock"
)

// sealed makes a subscriber of records and the source of it.
func sealed(s broker.Subscription, values ...string) (*subscriber, stock.Source) {
	var e stock.Envelopes
	var ms []*message.Message
	for _, v := range values {
		ms = append(ms, e.Seal(&broker.Record{Key: []byte("k"), Value: []byte(v)}))
	}
	sub := newSubscriber(ms...)
	return sub, stock.Source{Subscription: s, Subscriber: sub, Record: e.Open}
}

func TestCloseWaitsUntilAcknowledgementsAreTaken(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			sub, source := sealed(broker.Subscription{Handle: func(d broker.Delivery) {
				<-time.After(time.Second)
				d.Done()
			}}, "1", "2")
			m, err := stock.Join(t.Context(), source)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if err := m.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if n := len(sub.taken); n != 1 {
				t.Errorf("%d of 1 acknowledgements taken", n)
			}
		})
	}
}

func TestAParkedMessageKeepsItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		_, source := sealed(broker.Subscription{Handle: func(d broker.Delivery) {
			got = append(got, string(d.Record().Value))
			if len(got) == 1 {
				d.Park(2, time.Now().Add(time.Hour), time.Now())
				return
			}
			d.Done()
		}}, "1", "2")
		m, err := stock.Join(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]string{"1", "1", "2"}, got); diff != "" {
			t.Error(diff)
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsReturnedIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sub, source := sealed(broker.Subscription{Handle: func(d broker.Delivery) {
			<-d.Context().Done()
			d.Return()
		}}, "1")
		closed := false
		source.Closed = func() { closed = true }
		m, err := stock.Join(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
		if len(sub.taken) != 0 || !closed {
			t.Errorf("%d acknowledged, closed %v", len(sub.taken), closed)
		}
	})
}

func TestASubscriberThatEndsFailsTheMember(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sub, source := sealed(broker.Subscription{Topic: "orders", Handle: broker.Delivery.Done})
		ended := make(chan *message.Message)
		close(ended)
		source.Subscriber = ending{sub, ended}
		m, err := stock.Join(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		if err := <-m.Failed(); err == nil {
			t.Error("no failure")
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// ending is a subscriber whose channel is closed.
type ending struct {
	*subscriber
	ended chan *message.Message
}

func (e ending) Subscribe(context.Context, string) (<-chan *message.Message, error) {
	return e.ended, nil
}

func TestJoinClosesWhatItOpenedWhenOneFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, source := sealed(broker.Subscription{Handle: broker.Delivery.Done})
		bad, failing := sealed(broker.Subscription{Topic: "orders", Handle: broker.Delivery.Done})
		failing.Subscriber = broken{bad}
		if _, err := stock.Join(t.Context(), source, failing); !errors.Is(err, errBroken) {
			t.Errorf("join: %v", err)
		}
		<-good.closing
		<-bad.closing
	})
}

func TestReadyAsksEverySource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ready := false
		_, source := sealed(broker.Subscription{Handle: broker.Delivery.Done})
		_, other := sealed(broker.Subscription{Handle: broker.Delivery.Done})
		other.Ready = func() bool { return ready }
		m, err := stock.Join(t.Context(), source, other)
		if err != nil {
			t.Fatal(err)
		}
		if m.Ready() {
			t.Error("ready before its source is")
		}
		if ready = true; !m.Ready() {
			t.Error("not ready")
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOpenGivesARecordOnce(t *testing.T) {
	t.Parallel()
	var e stock.Envelopes
	r := &broker.Record{ID: "id", Headers: broker.Headers{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}}}
	m := e.Seal(r)
	if m.UUID != "id" || m.Metadata["a"] != "2" {
		t.Errorf("message is %+v", m)
	}
	if e.Open(m) != r || e.Open(m) != nil {
		t.Error("the record is not there once")
	}
}
