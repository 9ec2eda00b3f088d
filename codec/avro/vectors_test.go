package avro_test

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	vectors "github.com/leat-go/leat/codec/internal/golden"
)

func vectorSubject(v vectors.Vector) codec.Subject {
	return codec.Subject{Topic: v.Name, Type: reflect.TypeOf(v.Value)}
}

// readVector returns the file of v.
func readVector(t *testing.T, v vectors.Vector) vectors.File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "golden", v.Name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var f vectors.File
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// The bytes, the schema and what a map shows of them are the same for ever.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors.Vectors() {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			single, confluent := newCodec(t, avro.Config{}), withRegistry(t, newFake(t))
			f := vectors.File{
				Single:    hex.EncodeToString(encodeTo(t, single, vectorSubject(v), v.Value)),
				Confluent: hex.EncodeToString(encodeTo(t, confluent, vectorSubject(v), v.Value)),
			}
			f.Value = shown(mustDecode[map[string]any](t, single, unhex(t, f.Single)))
			f.Schema = schemaIn(t, v)
			text, err := json.MarshalIndent(f, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("golden", v.Name+".json"), string(text)+"\n")
			wantVector(t, confluent, v, unhex(t, readVector(t, v).Confluent))
			wantVector(t, single, v, unhex(t, readVector(t, v).Single))
		})
	}
}

// schemaIn is the schema of a vector, as a codec without a registry has it.
func schemaIn(t *testing.T, v vectors.Vector) any {
	t.Helper()
	f := newFake(t)
	encodeTo(t, withRegistry(t, f), vectorSubject(v), v.Value)
	kept, ok := f.GetSchema(v.Name+"-value", 1)
	if !ok {
		t.Fatal("nothing is registered")
	}
	return json.RawMessage(kept.Schema.Schema)
}

func wantVector(t *testing.T, c *avro.Codec, v vectors.Vector, message []byte) {
	t.Helper()
	into := reflect.New(reflect.TypeOf(v.Value))
	if err := c.Decode(t.Context(), message, nil, into.Interface()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Value, into.Elem().Interface(), cmp.Comparer(sameRat)); diff != "" {
		t.Error(diff)
	}
}

// shown is v in words that JSON has.
func shown(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = shown(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = shown(v[i])
		}
		return out
	}
	return shownValue(v)
}

func shownValue(v any) any {
	switch v := v.(type) {
	case []byte:
		return hex.EncodeToString(v)
	case time.Time:
		if v.Nanosecond()%1000 != 0 {
			return v.Format(time.RFC3339Nano)
		}
		return v.UnixMicro()
	case time.Duration:
		return v.Microseconds()
	case *big.Rat:
		return v.FloatString(10)
	case [16]byte:
		return hex.EncodeToString(v[:])
	}
	return v
}
