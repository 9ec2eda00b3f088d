package codec_test

import (
	"testing"

	"github.com/leat-go/leat/codec"
)

type measured struct {
	ID     int64   `json:"id"`
	Key    string  `json:"key"`
	Amount float64 `json:"amount"`
	Body   string  `json:"body"`
}

var (
	measuredValue   = measured{1_234_567, "customer-42", 12.5, "sixty bytes of text that somebody wrote, more or less, say"}
	measuredSubject = codec.Subject{Topic: "orders"}
)

func BenchmarkJSONEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := codec.JSON.Encode(b.Context(), nil, measuredSubject, &measuredValue); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONDecode(b *testing.B) {
	data, _, err := codec.JSON.Encode(b.Context(), nil, measuredSubject, &measuredValue)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var v measured
		if err := codec.JSON.Decode(b.Context(), data, nil, &v); err != nil {
			b.Fatal(err)
		}
	}
}
