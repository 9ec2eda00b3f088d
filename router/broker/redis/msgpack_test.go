package redis

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack"

	"github.com/leat-go/leat/router/broker"
)

// theirs writes metadata as watermill-redisstream does, with the library that it uses.
func theirs(t *testing.T, hs broker.Headers) []byte {
	t.Helper()
	var buf bytes.Buffer
	e := msgpack.NewEncoder(&buf)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(e.EncodeMapLen(len(hs)))
	for _, h := range hs {
		must(e.EncodeString(h.Key))
		must(e.EncodeString(string(h.Value)))
	}
	return buf.Bytes()
}

func headersOfSize(n, size int) (hs broker.Headers) {
	for i := range n {
		hs = append(hs, broker.Header{Key: "name-" + string(rune('a'+i%26)) + strings.Repeat("x", i/26), Value: bytes.Repeat([]byte("v"), size)})
	}
	return hs
}

// TestMetadataIsThatOfWatermill compares the bytes at every size that msgpack tells apart.
func TestMetadataIsThatOfWatermill(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 15, 16, 17, 300} {
		for _, size := range []int{0, 31, 32, 255, 256, 65535, 65536} {
			hs := headersOfSize(n, size)
			if n*size > 1<<22 {
				continue
			}
			r := &broker.Record{Headers: hs, Value: []byte{}}
			b := encodeMetadata(r, mapHolds(hs))
			if !bytes.Equal(b, theirs(t, hs)) {
				t.Errorf("%d headers of %d bytes differ", n, size)
			}
			var got broker.Record
			decodeMetadata(&got, b, nil)
			if diff := cmp.Diff(hs, got.Headers); diff != "" {
				t.Errorf("%d headers of %d bytes (-written +read):\n%s", n, size, diff)
			}
		}
	}
}

func TestManyRepeatedHeadersAreNoMap(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 16, 17, 100} {
		hs := headersOfSize(n, 1)
		if !mapHolds(hs) {
			t.Errorf("%d different headers are no map", n)
		}
		hs[n-1].Key = hs[0].Key
		if mapHolds(hs) {
			t.Errorf("%d headers with a repeated name are a map", n)
		}
	}
}

// FuzzHeaders lets headers make the way to an entry and back.
func FuzzHeaders(f *testing.F) {
	f.Add("k", "a", "1", "b", "2", []byte("v"))
	f.Add("", "a", "1", "a", "2", []byte{})
	f.Add("leat-key", "leat-time", "1", "leat-tombstone", "", []byte(nil))
	f.Fuzz(func(t *testing.T, key, h1, v1, h2, v2 string, value []byte) {
		want := &broker.Record{Topic: "t", Offset: "1-1", ID: "id", Key: []byte(key), Value: value, Time: parseID("1-1").time()}
		want.Headers = broker.Headers{{Key: h1, Value: []byte(v1)}, {Key: h2, Value: []byte(v2)}}
		var fields [][]byte
		for _, v := range encode(want) {
			switch v := v.(type) {
			case string:
				fields = append(fields, []byte(v))
			case []byte:
				fields = append(fields, v)
			}
		}
		got := (&entry{id: []byte("1-1"), fields: fields}).record("t", 0, names{})
		if diff := cmp.Diff(want.Headers, got.Headers); diff != "" || !bytes.Equal(want.Value, got.Value) || (want.Value == nil) != (got.Value == nil) || string(got.Key) != key {
			t.Errorf("%+v\n%+v\n%s", want, got, diff)
		}
	})
}
