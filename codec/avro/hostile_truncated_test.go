package avro_test

import (
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/leat-go/leat/codec/avro"
	vectors "github.com/leat-go/leat/codec/internal/golden"
)

// wholes is a value of every type that has a schema, alone in its record.
func wholes() map[string]any {
	at, id, long, text, colour, rat := ada.CreatedAt, [16]byte{15: 7}, int64(1<<40), "é", Colour("RED"), *big.NewRat(5, 4)
	type Times struct {
		Millis time.Time `avro:"v,timestamp-millis"`
	}
	type Micros struct {
		V time.Time `avro:"v,timestamp-micros"`
	}
	type Nanos struct {
		V time.Time `avro:"v,local-timestamp-nanos"`
	}
	type Date struct {
		V time.Time `avro:"v,date"`
	}
	type Clock struct {
		V time.Duration `avro:"v,time-micros"`
	}
	type UUID struct {
		V [16]byte `avro:"v,uuid"`
	}
	type Span struct {
		V [12]byte `avro:"v,duration"`
	}
	return map[string]any{
		"boolean": Box[bool]{true}, "int8": Box[int8]{-128}, "int32": Box[int32]{1 << 30}, "int64": Box[int64]{long},
		"uint16": Box[uint16]{60_000}, "float": Box[float32]{1.5}, "double": Box[float64]{1.5}, "string": Box[string]{text},
		"bytes": Box[[]byte]{[]byte("abc")}, "fixed": Box[[4]byte]{[4]byte{1}}, "enum": Box[Colour]{colour},
		"array of long": Box[[]int64]{[]int64{1, long}}, "array of double": Box[[]float64]{[]float64{1, 2}},
		"array of string": Box[[]string]{[]string{"", text}}, "array of array": Box[[][]int64]{[][]int64{{1}, {}}},
		"array of record": Box[[]Pair]{[]Pair{{true}, {}}}, "array of enum": Box[[]Colour]{[]Colour{colour}},
		"map of long": Box[map[string]int64]{map[string]int64{"k": long}}, "map of string": Box[map[string]string]{map[string]string{"k": text}},
		"map of record": Box[map[string]Pair]{map[string]Pair{"k": {true}}}, "nullable string": Box[*string]{&text},
		"nullable long": Box[*int64]{&long}, "null": Box[*int64]{}, "nullable record": Box[*Pair]{&Pair{true}},
		"decimal": Price{rat}, "timestamp-millis": Times{at}, "timestamp-micros": Micros{at}, "local-timestamp-nanos": Nanos{at},
		"date": Date{at.Truncate(24 * time.Hour)}, "time-micros": Clock{time.Hour}, "uuid": UUID{id}, "duration": Span{[12]byte{1, 2}},
		"record of itself": Chain{&Chain{&Chain{}}}, "list of itself": Shrub{[]Shrub{{}, {[]Shrub{{}}}}},
		"many texts": Note{"a", 1 << 40, text, at},
	}
}

// No proper prefix of a message is one, and no message with a byte more: for every type and
// every golden vector, into a struct and into a map, with a registry and without one.
func TestHostileTruncatedMessages(t *testing.T) {
	all := wholes()
	for _, v := range vectors.Vectors() {
		all["vector "+v.Name] = v.Value
	}
	for name, v := range all {
		for frame, c := range map[string]*avro.Codec{"single object": newCodec(t, avro.Config{}), "registry": withRegistry(t, newFake(t))} {
			s := subject[any]("truncated")
			s.Type = reflect.TypeOf(v)
			message := encodeTo(t, c, s, v)
			for target, into := range map[string]func() any{
				intoStruct: func() any { return reflect.New(reflect.TypeOf(v)).Interface() },
				intoMap:    func() any { return new(map[string]any) },
			} {
				t.Run(fmt.Sprintf("%s, %s, %s", name, frame, target), func(t *testing.T) {
					_ = guarded(t, func() error {
						wantWhole(t, c, message, into)
						return nil
					})
				})
			}
		}
	}
}

func wantWhole(t *testing.T, c *avro.Codec, message []byte, into func() any) {
	t.Helper()
	if err := c.Decode(t.Context(), message, nil, into()); err != nil {
		t.Errorf("the whole message: %v", err)
	}
	for n := range message {
		v := into()
		if err := c.Decode(t.Context(), slices.Clip(message[:n]), nil, v); err == nil || isUnavailable(err) {
			t.Errorf("%d of %d bytes: %v", n, len(message), err)
		}
		if !reflect.ValueOf(v).Elem().IsZero() {
			t.Errorf("%d of %d bytes left %v behind", n, len(message), v)
		}
	}
	if err := c.Decode(t.Context(), append(slices.Clip(message), 0), nil, into()); err == nil || isUnavailable(err) {
		t.Errorf("a byte too many: %v", err)
	}
}
