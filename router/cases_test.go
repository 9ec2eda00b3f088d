package router_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/memory"
	"github.com/leat-go/leat/topics"
)

// accountEvent is what a topic of several types carries.
type accountEvent interface{ accountID() string }

type opened struct {
	Account string `json:"account"`
	Owner   string `json:"owner"`
}

type closed struct {
	Account string `json:"account"`
}

// renamed has a name of its own on the wire.
type renamed struct {
	Account string `json:"account"`
}

func (o opened) accountID() string       { return o.Account }
func (c *closed) accountID() string      { return c.Account }
func (r renamed) accountID() string      { return r.Account }
func (renamed) EventType() string        { return "account.renamed" }
func keyOfAccount(e accountEvent) string { return e.accountID() }

var accounts = topics.Event[accountEvent]{Name: "accounts", Key: keyOfAccount, Cases: []accountEvent{opened{}, (*closed)(nil), renamed{}}}

// told is a value as text, with its type.
func told(e accountEvent) string {
	text, _ := json.Marshal(e)
	return fmt.Sprintf("%T%s", e, text)
}

func TestTypesOfOneTopicKeepTheOrderOfTheirKey(t *testing.T) {
	for _, format := range []topics.Format{topics.JSON, topics.Avro} {
		t.Run(string(format), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := collectAccounts(t, format, nil, func(ctx context.Context, p router.Publisher[accountEvent], _ broker.Producer) {
					if err := p.Publish(ctx, opened{"a", "ana"}, renamed{"a"}, &closed{"a"}); err != nil {
						t.Error(err)
					}
				})
				want := []string{`router_test.opened{"account":"a","owner":"ana"}`, `router_test.renamed{"account":"a"}`, `*router_test.closed{"account":"a"}`}
				if !slices.Equal(got.handled, want) || len(got.dead) > 0 {
					t.Errorf("got %+v, want %q", got, want)
				}
			})
		})
	}
}

func TestForeignMessagesTellTheirTypeByCloudEventsOrRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := collectAccounts(t, topics.JSON, nil, func(ctx context.Context, _ router.Publisher[accountEvent], p broker.Producer) {
			raw(ctx, p, `{"account":"a"}`, "ce_type", "account.renamed")
		})
		if want := []string{`router_test.renamed{"account":"a"}`}; !slices.Equal(got.handled, want) {
			t.Errorf("by ce_type: got %+v, want %q", got, want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, err := avro.New(avro.Config{})
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := c.Encode(t.Context(), nil, codec.Subject{Topic: "accounts"}, opened{"a", "ana"})
		if err != nil {
			t.Fatal(err)
		}
		got := collectAccounts(t, topics.Avro, nil, func(ctx context.Context, _ router.Publisher[accountEvent], p broker.Producer) {
			raw(ctx, p, string(data))
		})
		if want := []string{`router_test.opened{"account":"a","owner":"ana"}`}; !slices.Equal(got.handled, want) {
			t.Errorf("by record: got %+v, want %q", got, want)
		}
	})
}

func TestUnknownTypesAreDeadOrSkippedByOption(t *testing.T) {
	send := func(ctx context.Context, _ router.Publisher[accountEvent], p broker.Producer) {
		raw(ctx, p, `{}`, "leat-type", "Merged")
		raw(ctx, p, `{}`)
	}
	synctest.Test(t, func(t *testing.T) {
		got := collectAccounts(t, topics.JSON, nil, send)
		want := []string{"decode: no type of this topic: Merged", "decode: no type of this topic: neither leat-type nor ce_type says which it is"}
		if len(got.handled) > 0 || len(got.dead) != 2 || !ends(got.dead, want) {
			t.Errorf("got %+v, want dead letters with %q", got, want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		got := collectAccounts(t, topics.JSON, []router.Option{router.SkipUnknownTypes()}, send)
		if len(got.handled) > 0 || len(got.dead) > 0 {
			t.Errorf("got %+v, want nothing", got)
		}
	})
}

// A type of a newer producer is unknown by header and by record, with a registry or without.
func TestUnknownAvroTypesAreDeadOrSkippedByOption(t *testing.T) {
	type Merged struct{ Account string }
	for name, headers := range map[string][]string{"by header": {"leat-type", "Merged"}, "by record": nil} {
		t.Run(name, func(t *testing.T) {
			c, err := avro.New(avro.Config{})
			if err != nil {
				t.Fatal(err)
			}
			data, _, err := c.Encode(t.Context(), nil, codec.Subject{Topic: "accounts"}, Merged{"a"})
			if err != nil {
				t.Fatal(err)
			}
			send := func(ctx context.Context, _ router.Publisher[accountEvent], p broker.Producer) {
				raw(ctx, p, string(data), headers...)
			}
			synctest.Test(t, func(t *testing.T) {
				got := collectAccounts(t, topics.Avro, nil, send)
				want := "decode of schema " + hex.EncodeToString(data[2:10]) + ": "
				if len(got.handled) > 0 || len(got.dead) != 1 || !strings.HasPrefix(got.dead[0], want) || !strings.Contains(got.dead[0], "no type of this topic") {
					t.Errorf("got %+v, want a dead letter %q", got, want)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				if got := collectAccounts(t, topics.Avro, []router.Option{router.SkipUnknownTypes()}, send); len(got.handled)+len(got.dead) > 0 {
					t.Errorf("got %+v, want nothing", got)
				}
			})
		})
	}
}

func ends(got, want []string) bool {
	for i := range want {
		kind, text, _ := strings.Cut(want[i], ": ")
		if !strings.HasPrefix(got[i], kind) || !strings.HasSuffix(got[i], text) {
			return false
		}
	}
	return true
}

func TestByTypeCallsTheFunctionOfTheType(t *testing.T) {
	var got []string
	handle := router.ByType[accountEvent](
		router.On(func(_ context.Context, o opened) error { got = append(got, "opened by "+o.Owner); return nil }),
		router.On(func(_ context.Context, c *closed) error { return errors.New("closed " + c.Account) }),
	)
	ctx := t.Context()
	if err := handle(ctx, opened{"a", "ana"}); err != nil || !slices.Equal(got, []string{"opened by ana"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if err := handle(ctx, &closed{"a"}); err == nil || err.Error() != "closed a" {
		t.Errorf("got %v, want the function's error", err)
	}
	if err := handle(ctx, renamed{"a"}); !errors.Is(err, router.Skip) {
		t.Errorf("got %v, want a type without a function skipped", err)
	}
}

func TestByTypeRefusesWhatIsNoneOfTheTypes(t *testing.T) {
	defer func() {
		if r := fmt.Sprint(recover()); !strings.Contains(r, "string is not a router_test.accountEvent") {
			t.Errorf("panic %q", r)
		}
	}()
	router.ByType[accountEvent](router.On(func(context.Context, string) error { return nil }))
}

func TestFaultsOfSeveralTypesAreReported(t *testing.T) {
	type opened struct{ accountEvent } // of the same name
	for want, topic := range map[string]topics.Event[accountEvent]{
		"topic t carries the interface router_test.accountEvent: name its types in Cases": {Name: "t"},
		"topic t: one of its Cases is nil: give a value of each type":                     {Name: "t", Cases: []accountEvent{nil}},
		"both named opened: give one a method EventType() string":                         {Name: "t", Cases: []accountEvent{opened{}, accounts.Cases[0]}},
	} {
		r := router.New(memory.New())
		router.NewPublisher(r, topic)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	r := router.New(memory.New())
	router.NewPublisher(r, topics.Event[closed]{Name: "t", Cases: []closed{{}}})
	if err := r.Validate(); err == nil || !strings.Contains(err.Error(), "topic t has Cases, and router_test.closed is no interface: leave them out") {
		t.Errorf("got %v", err)
	}
}

func TestATypeThatIsNoneOfTheTopicsIsNotSent(t *testing.T) {
	r := router.New(memory.New())
	err := router.NewPublisher(r, accounts).Publish(t.Context(), stranger{})
	if want := "add it to the topic's Cases"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

type stranger struct{}

func (stranger) accountID() string { return "s" }

// outcomes are what became of messages.
type outcomes struct{ handled, dead []string }

// collectAccounts runs a consumer of accounts in virtual time while send publishes.
func collectAccounts(t *testing.T, f topics.Format, opts []router.Option, send func(context.Context, router.Publisher[accountEvent], broker.Producer)) (got outcomes) {
	t.Helper()
	c, err := avro.New(avro.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b := memory.New()
	r := router.New(b, router.Codec(topics.Avro, c), silent())
	topic := accounts
	topic.Format = f
	router.Consume(r, topic, func(_ context.Context, e accountEvent) error {
		got.handled = append(got.handled, told(e))
		return nil
	}, append(opts, router.Name("accounts"), router.Concurrency(1))...)
	router.Consume(r, topics.Event[[]byte]{Name: "accounts.dlq", Format: topics.Raw}, func(ctx context.Context, _ []byte) error {
		h := router.Meta(ctx).Headers
		kind := h["leat-error-kind"]
		if id := h["leat-schema-id"]; id != "" {
			kind += " of schema " + id
		}
		got.dead = append(got.dead, kind+": "+h["leat-error"])
		return nil
	}, router.Name("dead"), router.NoDeadLetter(), router.Concurrency(1))
	stop := serve(r)
	send(t.Context(), router.NewPublisher(r, topic), b.Sends())
	elapse(time.Minute)
	stop()
	return got
}

// raw sends bytes past the codec.
func raw(ctx context.Context, p broker.Producer, value string, headers ...string) {
	rec := &broker.Record{Topic: "accounts", Key: []byte("a"), Value: []byte(value)}
	for i := 0; i+1 < len(headers); i += 2 {
		rec.Headers = append(rec.Headers, broker.Header{Key: headers[i], Value: []byte(headers[i+1])})
	}
	done := make(chan struct{})
	p.Produce(ctx, rec, func(broker.Receipt, error) { close(done) })
	<-done
}
