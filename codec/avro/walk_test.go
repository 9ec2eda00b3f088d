package avro_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

// Twig and Branch lie in each other in every way that a record can.
type (
	Branch struct {
		Hash   [4]byte           `avro:"hash"`
		Leaves []Twig            `avro:"leaves"`
		Boughs []Branch          `avro:"boughs"`
		Named  map[string]Branch `avro:"named"`
		Next   *Branch           `avro:"next"`
		Hashes [][4]byte         `avro:"hashes"`
	}
	Twig struct {
		Text  string  `avro:"text"`
		Maybe *string `avro:"maybe"`
		Long  int64   `avro:"long"`
	}
)

// A text that is not UTF-8 is found wherever it lies, and nothing else is taken for one.
func TestTextIsFoundEverywhere(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	for name, v := range map[string]func(text string) Branch{
		"in a list":       func(s string) Branch { return Branch{Leaves: []Twig{{Text: "a"}, {Text: s, Long: 1 << 40}}} },
		"in a pointer":    func(s string) Branch { return Branch{Leaves: []Twig{{Maybe: &s, Long: -1}}} },
		"in a key":        func(s string) Branch { return Branch{Named: map[string]Branch{s: {Hash: [4]byte{255, 254}}}} },
		"in a value":      func(s string) Branch { return Branch{Named: map[string]Branch{"k": {Leaves: []Twig{{Text: s}}}}} },
		"two levels down": func(s string) Branch { return Branch{Boughs: []Branch{{}, {Next: &Branch{Leaves: []Twig{{Text: s}}}}}} },
		"behind fixed items": func(s string) Branch {
			return Branch{Boughs: []Branch{{Hashes: make([][4]byte, 9)}, {Leaves: []Twig{{Text: s}}}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, fine := range []string{"", "ü", strings.Repeat("ascii", 9), strings.Repeat("日本", 5_000)} {
				roundTrip(t, c, v(fine))
			}
			wantNotText(t, c, v("\xff"), v("y"))
			wantNotText(t, c, v(strings.Repeat("x", 5_000)+"\xc3"), v(strings.Repeat("x", 5_000)+"y"))
		})
	}
}

func roundTrip[T any](t *testing.T, c codec.Codec, v T) {
	t.Helper()
	data, _, err := c.Encode(t.Context(), nil, subject[T]("walk"), &v)
	if err != nil {
		t.Fatal(err)
	}
	var got, again T
	if err := c.Decode(t.Context(), data, nil, &got); err != nil {
		t.Fatal(err)
	}
	if data, _, err = c.Encode(t.Context(), nil, subject[T]("walk"), &got); err != nil {
		t.Fatal(err)
	}
	if err := c.Decode(t.Context(), data, nil, &again); err != nil || !cmp.Equal(got, again) {
		t.Errorf("%v, or %s", err, cmp.Diff(got, again))
	}
}

// wantNotText wants bad refused in both directions; fine differs from it in one byte.
func wantNotText(t *testing.T, c codec.Codec, bad, fine Branch) {
	t.Helper()
	if _, _, err := c.Encode(t.Context(), nil, subject[Branch]("walk"), bad); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("encode: %.300v", err)
	}
	data := encodeTo(t, newCodec(t, avro.Config{}), subject[Branch]("walk"), fine)
	at := slices.Index(data, 'y')
	data[at] = 0xC3
	if err := c.Decode(t.Context(), data, nil, new(Branch)); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("decode: %.300v", err)
	}
}

// What this codec writes it reads, however large.
func TestLargeValues(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	leaves := make([]Twig, 100_000)
	for i := range leaves {
		leaves[i] = Twig{Text: "leaf", Long: int64(i) << 20}
	}
	roundTrip(t, c, Branch{Leaves: leaves, Hashes: make([][4]byte, 100_000)})
}

// Round leads back to itself.
type Round struct {
	Text string `avro:"text"`
	Next *Round `avro:"next"`
}

func TestValueThatHoldsItself(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	v := &Round{Text: "\xff"}
	v.Next = v
	done := make(chan error, 1)
	go func() {
		_, _, err := c.Encode(t.Context(), nil, subject[Round]("walk"), v)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("a value without an end was encoded")
		}
	case <-time.After(hangsAfter):
		t.Error("still encoding")
	}
}
