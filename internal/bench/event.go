package bench

import (
	"math/rand/v2"
	"strconv"

	"github.com/go-json-experiment/json"
)

// Event is what all subjects publish and consume.
type Event struct {
	ID     int64   `avro:"id"     json:"id"`
	Key    string  `avro:"key"    json:"key"`
	At     int64   `avro:"at"     json:"at"` // nanoseconds of the Unix clock at which it was due, in the latency workload
	Amount float64 `avro:"amount" json:"amount"`
	Body   string  `avro:"body"   json:"body"`
}

// Result is what workers make of an event.
type Result struct {
	ID    int64   `avro:"id"    json:"id"`
	Key   string  `avro:"key"   json:"key"`
	Total float64 `avro:"total" json:"total"`
	Body  string  `avro:"body"  json:"body"`
}

func eventKey(e Event) string   { return e.Key }
func resultKey(r Result) string { return r.Key }

// charge is the work of all workers.
func charge(e Event) Result {
	return Result{ID: e.ID, Key: e.Key, Total: e.Amount * 1.19, Body: e.Body}
}

// text is where bodies are cut from, so that no two are alike.
var text = randomText(1 << 20)

func randomText(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same text in every run
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return string(b)
}

// stream makes events of about size bytes of JSON on the given number of keys, the same ones
// in every run.
type stream struct {
	rng        *rand.Rand
	size, keys int
	next       int
}

func newStream(size, keys int) *stream {
	return &stream{rng: rand.New(rand.NewPCG(3, 4)), size: size, keys: keys} //nolint:gosec // no secret
}

func (s *stream) take(n int) []Event {
	es := make([]Event, n)
	for i := range es {
		es[i] = Event{ID: int64(s.next), Key: "k" + strconv.Itoa(100_000+s.next%s.keys), Amount: float64(s.rng.IntN(1e6)) / 100}
		es[i].Body = s.body(es[i])
		s.next++
	}
	return es
}

// body fills the event up to size.
func (s *stream) body(e Event) string {
	bare, _ := json.Marshal(e) // numbers and strings always encode
	n := max(s.size-len(bare), 1)
	at := s.rng.IntN(len(text) - n)
	return text[at : at+n]
}

func events(n, size int) []Event { return newStream(size, ordinaryKeys).take(n) }
