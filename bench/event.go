package main

import (
	"math/rand/v2"
	"strconv"

	"github.com/go-json-experiment/json"
)

// event is what all subjects publish and consume.
type event struct {
	ID     int64   `json:"id"`
	Key    string  `json:"key"`
	At     int64   `json:"at"` // nanoseconds of the Unix clock at which it was due, in the latency workload
	Amount float64 `json:"amount"`
	Body   string  `json:"body"`
}

// result is what workers make of an event.
type result struct {
	ID    int64   `json:"id"`
	Key   string  `json:"key"`
	Total float64 `json:"total"`
	Body  string  `json:"body"`
}

func eventKey(e event) string   { return e.Key }
func resultKey(r result) string { return r.Key }

// charge is the work of all workers.
func charge(e event) result {
	return result{ID: e.ID, Key: e.Key, Total: e.Amount * 1.19, Body: e.Body}
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

// events makes n events of about size bytes of JSON on the given number of keys.
func events(n, size, keys int) []event {
	rng := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same events in every run
	es := make([]event, n)
	for i := range es {
		es[i] = event{ID: int64(i), Key: "k" + strconv.Itoa(1000+i%keys), Amount: float64(rng.IntN(1e6)) / 100}
		es[i].Body = body(rng, es[i], size)
	}
	return es
}

// body fills the event up to size.
func body(rng *rand.Rand, e event, size int) string {
	bare, _ := json.Marshal(e) // numbers and strings always encode
	n := max(size-len(bare), 1)
	at := rng.IntN(len(text) - n)
	return text[at : at+n]
}
