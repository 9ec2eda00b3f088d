package e2e_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/topics"
)

// ticketEvent is what a topic of several types carries.
type ticketEvent interface{ ticket() string }

type ticketOpened struct {
	Ticket string `avro:"ticket"`
	Title  string `avro:"title"`
}

type ticketClosed struct {
	Ticket string `avro:"ticket"`
}

// ticketMerged is none of the types that the consumer knows.
type ticketMerged struct {
	Ticket string `avro:"ticket"`
	Into   string `avro:"into"`
}

func (e ticketOpened) ticket() string { return e.Ticket }
func (e ticketClosed) ticket() string { return e.Ticket }

// tickets is a topic of several types, their registry and their producers.
type tickets struct {
	*story
	url   string
	codec *avro.Codec
	topic topics.Event[ticketEvent]
}

// Several types of one topic have subjects of their own, keep the order of their key, and are
// told apart by header or record. An unknown one is a dead letter, or left alone by option.
func TestSeveralTypesOfOneTopic(t *testing.T) {
	url := testservers.RegistryFor(t).URL
	for by, subject := range map[avro.SubjectBy]string{
		"": "TOPIC-RECORD", avro.SubjectByTopicRecord: "TOPIC-RECORD", avro.SubjectByRecord: "RECORD",
	} {
		t.Run("by "+string(by), func(t *testing.T) {
			t.Parallel()
			tell(t, false, func(s *story) {
				c, err := avro.New(avro.Config{URLs: []string{url}, AutoRegister: true, SubjectBy: by})
				if err != nil {
					s.Fatal(err)
				}
				k := &tickets{story: s, url: url, codec: c}
				k.topic = topics.Event[ticketEvent]{
					Name: s.name("tickets"), Key: ticketEvent.ticket, Cases: []ticketEvent{ticketOpened{}, ticketClosed{}},
					Format: topics.Avro, Namespace: strings.ReplaceAll(s.prefix, "-", "_"), Partitions: 1,
				}
				k.tell(subject)
			})
		})
	}
}

func (k *tickets) tell(subject string) {
	merged := k.encoded(ticketMerged{"t", "u"})
	for _, known := range k.topic.Cases {
		k.encoded(known)
	}
	r := router.New(k.b, router.Service(k.prefix), router.Logger(slog.New(slog.DiscardHandler)), router.Codec(topics.Avro, k.codec))
	for who, opts := range map[string][]router.Option{"strict": nil, "lenient": {router.SkipUnknownTypes()}} {
		router.Consume(r, k.topic, router.ByType[ticketEvent](
			router.On(func(_ context.Context, e ticketOpened) error {
				k.say("%s: opened %s %s", who, e.Ticket, e.Title)
				return nil
			}),
			router.On(func(_ context.Context, e ticketClosed) error { k.say("%s: closed %s", who, e.Ticket); return nil }),
		), append(opts, router.Name(who), router.Group(k.name(who)), router.Retry(0, router.Backoff{}))...)
	}
	k.run(r)
	send[ticketEvent](k.story, r, k.topic, ticketOpened{"a", "no sound"}, ticketClosed{"a"}, ticketOpened{"a", "again"})
	k.foreign(merged)
	k.foreign(merged, "leat-type", "ticketMerged")
	k.foreign(k.encoded(ticketOpened{"b", "of others"}))
	for _, who := range []string{"strict", "lenient"} {
		if diff := cmp.Diff([]string{"opened a no sound", "closed a", "opened a again", "opened b of others"}, k.heardBy(who, 8)); diff != "" {
			k.Errorf("%s: %s", who, diff)
		}
	}
	k.lettersOfUnknown(merged)
	for _, record := range []string{"ticketOpened", "ticketClosed"} {
		full := k.topic.Namespace + "." + record
		k.wantSubject(strings.NewReplacer("TOPIC", k.topic.Name, "RECORD", full).Replace(subject))
	}
}

// encoded is a message of a type's own producer. A registry that has just started may take long.
func (k *tickets) encoded(v any) []byte {
	k.Helper()
	s := codec.Subject{Topic: k.topic.Name, Type: reflect.TypeOf(v), Namespace: k.topic.Namespace, Several: true}
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(100 * time.Millisecond); ; <-tick.C {
		data, _, err := k.codec.Encode(k.Context(), nil, s, v)
		if err == nil {
			return data
		}
		if !errors.Is(err, codec.ErrUnavailable) || time.Now().After(deadline) {
			k.Fatal(err)
		}
	}
}

// foreign sends bytes past the router, with few headers or none.
func (k *tickets) foreign(value []byte, headers ...string) {
	k.Helper()
	rec := &broker.Record{Topic: k.topic.Name, Key: []byte("a"), Value: value}
	for i := 0; i+1 < len(headers); i += 2 {
		rec.Headers = append(rec.Headers, broker.Header{Key: headers[i], Value: []byte(headers[i+1])})
	}
	done := make(chan error, 1)
	k.b.Sends().Produce(k.Context(), rec, func(_ broker.Receipt, err error) { done <- err })
	if err := <-done; err != nil {
		k.Fatal(err)
	}
}

// heardBy is what one of them said once n lines were said by all.
func (k *tickets) heardBy(who string, n int) (lines []string) {
	k.Helper()
	for _, line := range k.heard(n) {
		if text, ok := strings.CutPrefix(line, who+": "); ok {
			lines = append(lines, text)
		}
	}
	return lines
}

// lettersOfUnknown wants a dead letter for each message of an unknown type, from the strict one alone.
func (k *tickets) lettersOfUnknown(merged []byte) {
	k.Helper()
	id := strconv.FormatUint(uint64(binary.BigEndian.Uint32(merged[1:5])), 10)
	record := k.topic.Namespace + ".ticketMerged"
	for i, said := range []string{record, "ticketMerged, " + record} {
		d := k.read(k.topic.Name+".dlq", 2)[i]
		told := []string{headerOf(d, "leat-error-kind"), headerOf(d, "leat-schema-id"), headerOf(d, "leat-attempts"), headerOf(d, "leat-handler"), string(d.Value)}
		if diff := cmp.Diff([]string{"decode", id, "1", "strict", string(merged)}, told); diff != "" {
			k.Errorf("dead letter: %s", diff)
		}
		if text := headerOf(d, "leat-error"); !strings.HasSuffix(text, "no type of this topic: "+said) {
			k.Errorf("dead of %q, want %q", text, said)
		}
	}
}

func (k *tickets) wantSubject(name string) {
	k.Helper()
	req, err := http.NewRequestWithContext(k.Context(), http.MethodGet, k.url+"/subjects/"+name+"/versions/latest", nil)
	if err != nil {
		k.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		k.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		k.Errorf("subject %s: status %d", name, res.StatusCode)
	}
}
