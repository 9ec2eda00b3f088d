package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/kafka"
	"github.com/leat-go/leat/topics"
)

// keyed is a router for topics with Avro keys under a registry, which knows them already.
func (s *story) keyed(url string, names ...string) (*router.Router, *avro.Codec) {
	s.Helper()
	c, err := avro.New(avro.Config{URLs: []string{url}, AutoRegister: true})
	if err != nil {
		s.Fatal(err)
	}
	for _, topic := range names {
		keyBytes(s, c, topic, "known")
	}
	log := router.Logger(slog.New(slog.DiscardHandler))
	return router.New(s.b, router.Service(s.prefix), log, router.Codec(topics.Avro, c)), c
}

// keyBytes is a key as it lies at the broker. A registry that has just started may take long.
func keyBytes(t testing.TB, c *avro.Codec, topic, key string) string {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(100 * time.Millisecond); ; <-tick.C {
		data, err := c.EncodeKey(t.Context(), nil, topic, key)
		if err == nil {
			return string(data)
		}
		if !errors.Is(err, codec.ErrUnavailable) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func rawKeys(recs []*broker.Record) (keys []string) {
	for _, r := range recs {
		keys = append(keys, string(r.Key))
	}
	return keys
}

var anyOrder = cmpopts.SortSlices(strings.Compare)

func TestAvroKeysAreBytesAtTheBrokerAndTextInCode(t *testing.T) {
	url := testservers.RegistryFor(t).URL
	tell(t, false, func(s *story) {
		in, out := s.items(), s.results("out")
		in.KeyFormat, in.Partitions, out.KeyFormat = topics.Avro, 4, topics.Avro
		r, c := s.keyed(url, in.Name, out.Name)
		router.Work(r, in, out, func(ctx context.Context, i item) (result, error) {
			m := router.Meta(ctx)
			switch {
			case i.N == 1 && m.Attempt == 1:
				return result{}, errBusy
			case i.Key == "bad":
				return result{}, router.Permanent(errBusy)
			}
			s.say("%s%d", m.Key, i.N)
			return result{i.String()}, nil
		}, router.Name("w"), router.Retry(1, router.Fixed(10*time.Millisecond)), router.Concurrency(8))
		router.Consume(r, out, func(ctx context.Context, o result) error {
			s.say("out %s of %s", router.Meta(ctx).Key, o.Of)
			return nil
		}, router.Name("c"))
		s.run(r)
		send(s, r, in, item{Key: "a"}, item{Key: "ä"}, item{Key: "bad"}, item{Key: "a", N: 1}, item{Key: "a", N: 2})
		s.raw(in.Name, "text", []byte(`{}`))
		want := []string{"a0", "a1", "a2", "ä0", "out a of a0", "out a of a1", "out a of a2", "out ä of ä0"}
		if diff := cmp.Diff(want, s.heard(8), anyOrder); diff != "" {
			s.Error(diff)
		}
		if ofA := slices.DeleteFunc(s.heard(8), func(l string) bool { return len(l) != 2 }); !slices.Equal(ofA, []string{"a0", "a1", "a2"}) {
			s.Errorf("order of a key: %q", ofA)
		}
		a, umlaut, bad := keyBytes(s, c, in.Name, "a"), keyBytes(s, c, in.Name, "ä"), keyBytes(s, c, in.Name, "bad")
		sent := s.read(in.Name, 6)
		if diff := cmp.Diff([]string{a, a, a, umlaut, bad, "text"}, rawKeys(sent), anyOrder); diff != "" {
			s.Errorf("sent: %s", diff)
		}
		partitions := s.partitions(in.Name) // one on stock Redis
		for _, rec := range sent {
			if want := broker.PartitionOf(rec.Key, partitions); rec.Partition != want {
				s.Errorf("%q is in partition %d, want %d", rec.Key, rec.Partition, want)
			}
		}
		a, umlaut = keyBytes(s, c, out.Name, "a"), keyBytes(s, c, out.Name, "ä")
		if diff := cmp.Diff([]string{a, a, a, umlaut}, rawKeys(s.read(out.Name, 4)), anyOrder); diff != "" {
			s.Errorf("results: %s", diff)
		}
		s.lettersOfKeys(in.Name, bad)
	})
}

func (s *story) partitions(topic string) int {
	s.Helper()
	all, err := s.b.Topics(s.Context())
	i := slices.IndexFunc(all, func(t broker.TopicInfo) bool { return t.Name == topic })
	if err != nil || i < 0 {
		s.Fatalf("no topic %s: %v", topic, err)
	}
	return all[i].Partitions
}

// lettersOfKeys checks the letters of a key that was handled in vain and of one that is text.
func (s *story) lettersOfKeys(topic, bad string) {
	s.Helper()
	told := map[string]string{}
	for _, d := range s.read(topic+".dlq", 2) {
		told[string(d.Key)] = headerOf(d, "leat-error-kind")
		if text := headerOf(d, "leat-error"); string(d.Key) == "text" && !strings.Contains(text, "key of topic "+topic+": it is not Avro: have its producer write Avro keys") {
			s.Errorf("dead of %s", text)
		}
	}
	if diff := cmp.Diff(map[string]string{bad: "permanent", "text": "decode"}, told); diff != "" {
		s.Errorf("dead letters: %s", diff)
	}
}

func TestAvroKeysOfAStateAreDeleted(t *testing.T) {
	url := testservers.RegistryFor(t).URL
	tell(t, false, func(s *story) {
		state := topics.State[*item]{Name: s.name("state"), Key: func(i *item) string { return i.Key }, Partitions: 2, KeyFormat: topics.Avro}
		r, c := s.keyed(url, state.Name)
		router.Consume(r, state, func(ctx context.Context, i *item) error {
			s.say("%s %v %v", router.Meta(ctx).Key, i, router.Meta(ctx).Tombstone)
			return nil
		}, router.Name("h"))
		s.run(r)
		p := router.NewPublisher(r, state)
		for n, do := range []func() error{
			func() error { return p.Publish(s.Context(), &item{Key: "a"}) },
			func() error { return p.Publish(s.Context(), &item{Key: "b"}) },
			func() error { return p.Delete(s.Context(), "a") },
		} {
			if err := do(); err != nil {
				s.Fatal(err)
			}
			s.heard(n + 1) // a state may forget a value that was replaced before it was read
		}
		if diff := cmp.Diff([]string{"a a0 false", "b b0 false", "a <nil> true"}, s.heard(3)); diff != "" {
			s.Error(diff)
		}
		latest := map[string]bool{}
		a, b := keyBytes(s, c, state.Name, "a"), keyBytes(s, c, state.Name, "b")
		for rec, err := range s.b.Read(s.Context(), broker.ReadOptions{Topics: []string{state.Name}, Start: broker.StartEarliest, UntilEnd: true}) {
			if err != nil {
				s.Fatal(err)
			}
			latest[string(rec.Key)] = rec.Value == nil
		}
		if diff := cmp.Diff(map[string]bool{a: true, b: false}, latest); diff != "" {
			s.Errorf("tombstones by key: %s", diff)
		}
	})
}

// TestAvroKeysOfPython has a client of Python write and read keys, a record among them.
func TestAvroKeysOfPython(t *testing.T) {
	registry := testservers.RegistryFor(t).URL
	brokers := strings.Join(testservers.KafkaFor(t).Brokers, ",")
	s := &story{T: t, prefix: strings.ToLower(testservers.Unique(t, "s"))}
	s.b = must(kafka.New(kafkaSettings(t)))(t)
	in := s.items()
	in.KeyFormat, in.Partitions = topics.Avro, 16
	r, _ := s.keyed(registry, in.Name)
	router.Consume(r, in, func(ctx context.Context, i item) error {
		s.say("%s %d in %d", router.Meta(ctx).Key, i.N, router.Meta(ctx).Partition)
		return nil
	}, router.Name("h"))
	s.run(r)
	places := map[string]string{}
	for n, key := range []string{"customer-7", "ключ", "x"} {
		send(s, r, in, item{Key: key, N: n})
		outsider(t, "kafka-keyed", brokers, registry, in.Name, `"string"`, fmt.Sprintf("%q", key), fmt.Sprintf(`{"n": %d}`, n))
		lines := s.heard(2 * (n + 1))
		if lines[2*n] != lines[2*n+1] {
			t.Errorf("leat and Python have %q in two places: %q", key, lines[2*n:])
		}
		places[key] = lines[2*n]
	}
	read := map[string]int{}
	for _, m := range outsider(t, "kafka-keys", brokers, registry, in.Name, "6") {
		read[fmt.Sprint(m["key"])]++
	}
	if diff := cmp.Diff(map[string]int{"customer-7": 2, "ключ": 2, "x": 2}, read); diff != "" {
		t.Errorf("Python reads: %s", diff)
	}
	record := `{"type": "record", "name": "K", "fields": [{"name": "shop", "type": "int"}, {"name": "id", "type": "string"}]}`
	other := in
	other.Name = s.name("other")
	if err := s.b.CreateTopics(t.Context(), broker.TopicConfig{Name: other.Name, Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	outsider(t, "kafka-keyed", brokers, registry, other.Name, record, `{"shop": 7, "id": "a"}`, `{"n": 9}`)
	for d, err := range router.Messages(t.Context(), r, other, router.From(router.Earliest)) {
		if err != nil || d.Meta.Key != `{"id":"a","shop":7}` || d.Value.N != 9 {
			t.Fatalf("%+v %v", d, err)
		}
		d.Ack()
		break
	}
}
