package avro_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	type one struct { // a month, two days and three milliseconds
		For [12]byte `avro:"for,duration"`
	}
	text, err := avro.SchemaOf[one]()
	if want := `"name":"duration","namespace":"com.core.events","size":12,"logicalType":"duration"`; err != nil || !strings.Contains(text, want) {
		t.Fatalf("%s, %v", text, err)
	}
	c := newCodec(t, avro.Config{})
	v := one{[12]byte{1, 0, 0, 0, 2, 0, 0, 0, 3}}
	data := encode(t, c, v)
	if body := hex.EncodeToString(data[10:]); body != "010000000200000003000000" {
		t.Errorf("body %s", body)
	}
	if got := mustDecode[one](t, c, data); got != v {
		t.Errorf("got %v", got)
	}
	if loose := mustDecode[map[string]any](t, c, data); loose["for"] == nil {
		t.Errorf("got %v", loose)
	}
}

func TestDurationThatIsNone(t *testing.T) {
	t.Parallel()
	type short struct {
		For [11]byte `avro:"for,duration"`
	}
	type clock struct {
		For time.Duration `avro:"for,duration"`
	}
	c := newCodec(t, avro.Config{})
	for want, s := range map[string]codec.Subject{
		"short.For: [11]uint8 cannot be a duration":     subject[short]("spans"),
		"clock.For: time.Duration cannot be a duration": subject[clock]("spans"),
	} {
		if err := c.Check(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got: %v", want, err)
		}
	}
}
