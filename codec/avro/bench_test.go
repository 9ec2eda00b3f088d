package avro_test

import (
	"testing"
	"time"

	twmb "github.com/twmb/avro"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

// Signup is the event of the quickstart.
type Signup struct {
	UserID    int64     `avro:"user_id"`
	Email     string    `avro:"email"`
	CreatedAt time.Time `avro:"created_at"`
}

// Reading takes 46 bytes.
type Reading struct {
	Sensor string            `avro:"sensor"`
	Unit   *string           `avro:"unit"`
	Values []float64         `avro:"values"`
	Labels map[string]string `avro:"labels"`
	At     time.Time         `avro:"at,timestamp-micros"`
	Ok     bool              `avro:"ok"`
}

func signup() Signup { return Signup{1_700_000_000, "ada@example.org", ada.CreatedAt} }

func reading() Reading {
	unit := "C"
	return Reading{"oven-1", &unit, []float64{21.5, 22}, map[string]string{"hall": "b"}, ada.CreatedAt, true}
}

func TestAllocations(t *testing.T) {
	c := withRegistry(t, newFake(t))
	s := subject[UserCreated]("users")
	dst := make([]byte, 0, 256)
	data, _, err := c.Encode(t.Context(), dst, s, &ada)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	encoding := testing.AllocsPerRun(100, func() { _, _, _ = c.Encode(ctx, dst, s, &ada) })
	if encoding > 1 {
		t.Errorf("encode: %v allocations beside the result", encoding)
	}
	var into UserCreated
	decoding := testing.AllocsPerRun(100, func() { _ = c.Decode(ctx, data, nil, &into) })
	if decoding > 4 {
		t.Errorf("decode: %v allocations, two of them the strings", decoding)
	}
}

// What a newer or older writer wrote is resolved once, not with every message.
func TestResolutionIsMadeOnce(t *testing.T) {
	c := newCodec(t, avro.Config{})
	data := encode(t, c, ada)
	mustDecode[userV2](t, c, data)
	ctx := t.Context()
	var into userV2
	if got := testing.AllocsPerRun(100, func() { _ = c.Decode(ctx, data, nil, &into) }); got > 6 {
		t.Errorf("%v allocations to read another version", got)
	}
}

func TestReadingTakes46Bytes(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	if n := len(encode(t, c, reading())) - 10; n != 46 {
		t.Errorf("%d bytes", n)
	}
}

// The benchmarks run leat and the bare library in turns and give the best of each, so that
// what else the machine does falls on both: x-bare is what leat takes of one bare call.
func BenchmarkEncode(b *testing.B) {
	e, r := signup(), reading()
	b.Run("signup", func(b *testing.B) { benchmarkEncode(b, &e) })
	b.Run("reading", func(b *testing.B) { benchmarkEncode(b, &r) })
}

func BenchmarkDecode(b *testing.B) {
	b.Run("signup", func(b *testing.B) { benchmarkDecode(b, signup()) })
	b.Run("reading", func(b *testing.B) { benchmarkDecode(b, reading()) })
}

// bare is the Avro library alone, with the same schema.
func bare[T any](b *testing.B) *twmb.Schema {
	b.Helper()
	text, err := avro.SchemaOf[T]()
	if err != nil {
		b.Fatal(err)
	}
	return twmb.MustParse(text)
}

func benchmarkEncode[T any](b *testing.B, v *T) {
	b.Helper()
	c, s, dst, schema := newCodec(b, avro.Config{}), subject[T]("bench"), make([]byte, 0, 256), bare[T](b)
	ctx := b.Context()
	inTurns(b, func() error {
		_, _, err := c.Encode(ctx, dst, s, v)
		return err
	}, func() error {
		_, err := schema.AppendEncode(dst, v)
		return err
	})
}

func benchmarkDecode[T any](b *testing.B, v T) {
	b.Helper()
	c, schema := newCodec(b, avro.Config{}), bare[T](b)
	data := encode(b, c, v)
	ctx := b.Context()
	inTurns(b, func() error {
		var into T
		return c.Decode(ctx, data, codec.Headers(nil), &into)
	}, func() error {
		var into T
		_, err := schema.Decode(data[10:], &into)
		return err
	})
}

const turn = 1000 // calls

// inTurns reports the best turn of each; an iteration is a call of both.
func inTurns(b *testing.B, leat, bare func() error) {
	b.Helper()
	b.ReportAllocs()
	best := [2]time.Duration{time.Hour, time.Hour}
	for done := 0; done < b.N; done += turn {
		for i, call := range []func() error{leat, bare} {
			start := time.Now()
			for range turn {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
			best[i] = min(best[i], time.Since(start))
		}
	}
	ns := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / turn }
	b.ReportMetric(0, "ns/op") // of both together: says nothing
	b.ReportMetric(ns(best[0]), "leat-ns")
	b.ReportMetric(ns(best[1]), "bare-ns")
	b.ReportMetric(ns(best[0])/ns(best[1]), "x-bare")
}
