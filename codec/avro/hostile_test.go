package avro_test

import (
	"encoding/binary"
	"math"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/codec/avro"
)

// No input may hang the service or fill its memory. The bounds are guards, no measurements.
const (
	hangsAfter = 10 * time.Second
	maxMemory  = 64 << 20
)

// guarded runs f, which must end soon and allocate little. Its callers are not parallel:
// what others allocate would count.
func guarded(t *testing.T, f func() error) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > maxMemory {
			t.Errorf("%d MiB allocated", got>>20)
		}
		return err
	case <-time.After(hangsAfter):
		t.Fatalf("still running after %s", hangsAfter)
		return nil
	}
}

// Box is a record of one value, Blank the same one for readers who do without the value.
type Box[T any] struct {
	V T `avro:"v"`
}

func (Box[T]) AvroName() string { return "Box" }

type Blank struct{}

func (Price) AvroName() string { return "Box" }

func (Blank) AvroName() string { return "Box" }

// Chain and Shrub hold themselves.
type (
	Chain struct {
		Next *Chain `avro:"next"`
	}
	Shrub struct {
		Shrubs []Shrub `avro:"trees"`
	}
	Pair struct {
		A bool `avro:"a"`
	}
	Price struct {
		V big.Rat `avro:"v,decimal(10,2)"`
	}
)

func box(typ string) string {
	return `{"type":"record","name":"Box","namespace":"com.core.events","fields":[{"name":"v","type":` + typ + `}]}`
}

// num is a whole number as Avro writes it.
func num(n int64) string { return string(binary.AppendVarint(nil, n)) }

const (
	intoStruct = "into a struct"
	intoMap    = "into a map"
	intoBlank  = "without the field"
)

func TestHostilePayloads(t *testing.T) {
	text, bytes, long, whole := `"string"`, `"bytes"`, `"long"`, `"int"`
	list, index := `{"type":"array","items":"long"}`, `{"type":"map","values":"long"}`
	maybe, colour := `["null","long"]`, `{"type":"enum","name":"Colour","symbols":["UNKNOWN","RED"]}`
	pairs := `{"type":"array","items":{"type":"record","name":"Pair","fields":[{"name":"a","type":"boolean"}]}}`
	money := `{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`
	chain := `{"type":"record","name":"Chain","fields":[{"name":"next","type":["null","Chain"]}]}`
	tree := `{"type":"record","name":"Shrub","fields":[{"name":"trees","type":{"type":"array","items":"Shrub"}}]}`
	for name, c := range map[string]struct {
		schema string
		into   any
		body   string
		fine   string // the targets that may take it
	}{
		"nothing at all":                  {text, new(Box[string]), "", ""},
		"string cut off":                  {text, new(Box[string]), num(5) + "ab", ""},
		"string of -1 bytes":              {text, new(Box[string]), num(-1), ""},
		"string of MinInt64 bytes":        {text, new(Box[string]), num(math.MinInt64), ""},
		"string of 2^40 bytes":            {text, new(Box[string]), num(1 << 40), ""},
		"string of MaxInt64 bytes":        {text, new(Box[string]), num(math.MaxInt64), ""},
		"string length without an end":    {text, new(Box[string]), strings.Repeat("\xff", 11), ""},
		"string that is not UTF-8":        {text, new(Box[string]), num(1) + "\xff", intoBlank},
		"bytes of -1":                     {bytes, new(Box[[]byte]), num(-1), ""},
		"bytes of 1 MiB without them":     {bytes, new(Box[[]byte]), num(1 << 20), ""},
		"bytes of MaxInt64":               {bytes, new(Box[[]byte]), num(math.MaxInt64), ""},
		"long cut off":                    {long, new(Box[int64]), "\x80", ""},
		"long of eleven bytes":            {long, new(Box[int64]), strings.Repeat("\x80", 10) + "\x00", ""},
		"long beyond 64 bits":             {long, new(Box[int64]), strings.Repeat("\xff", 9) + "\x7f", ""},
		"int of six bytes":                {whole, new(Box[int32]), strings.Repeat("\x80", 5) + "\x00", ""},
		"int beyond 32 bits":              {whole, new(Box[int32]), num(1 << 40), ""},
		"int beyond the Go type":          {whole, new(Box[int8]), num(300), intoMap + intoBlank},
		"negative for an unsigned":        {long, new(Box[uint64]), num(-1), intoMap + intoBlank},
		"float cut off":                   {`"float"`, new(Box[float32]), "\x00\x00\x00", ""},
		"double cut off":                  {`"double"`, new(Box[float64]), "\x00\x00\x00\x00", ""},
		"boolean of 2":                    {`"boolean"`, new(Box[bool]), "\x02", intoStruct + intoMap + intoBlank},
		"fixed cut off":                   {`{"type":"fixed","name":"fixed_4","size":4}`, new(Box[[4]byte]), "abc", ""},
		"decimal of 64 KiB":               {money, new(Price), num(64<<10) + strings.Repeat("\x7f", 64<<10), intoBlank},
		"decimal of -1 bytes":             {money, new(Price), num(-1), ""},
		"array without an end":            {list, new(Box[[]int64]), num(1) + num(7), ""},
		"array without its items":         {list, new(Box[[]int64]), num(3) + num(7), ""},
		"array count cut off":             {list, new(Box[[]int64]), "\x80", ""},
		"array of 2^27":                   {list, new(Box[[]int64]), num(1 << 27), ""},
		"array of 2^33":                   {list, new(Box[[]int64]), num(1 << 33), ""},
		"array of 2^46":                   {list, new(Box[[]int64]), num(1 << 46), ""},
		"array of MaxInt64":               {list, new(Box[[]int64]), num(math.MaxInt64), ""},
		"array of MinInt64":               {list, new(Box[[]int64]), num(math.MinInt64) + num(1) + num(1), ""},
		"array that grows to MaxInt64":    {list, new(Box[[]int64]), num(1) + num(7) + num(math.MaxInt64) + strings.Repeat("\x02", 64), ""},
		"array block of -1 bytes":         {list, new(Box[[]int64]), num(-1) + num(-1) + num(7) + num(0), intoStruct + intoMap},
		"array block of MaxInt64 bytes":   {list, new(Box[[]int64]), num(-1) + num(math.MaxInt64) + num(7) + num(0), intoStruct + intoMap},
		"array of 2^40 with a size":       {list, new(Box[[]int64]), num(-1<<40) + num(8), ""},
		"array in 2,000 blocks":           {list, new(Box[[]int64]), strings.Repeat(num(1)+num(7), 2_000) + num(0), intoStruct + intoMap + intoBlank},
		"array in blocks of 100":          {list, new(Box[[]int64]), strings.Repeat(num(100)+strings.Repeat(num(7), 100), 200) + num(0), intoStruct + intoMap + intoBlank},
		"array in 100,000 blocks":         {list, new(Box[[]int64]), strings.Repeat(num(1)+num(7), 100_000) + num(0), ""},
		"arrays in 100,000 blocks":        {`{"type":"array","items":` + list + `}`, new(Box[[][]int64]), strings.Repeat(num(1)+strings.Repeat(num(1)+num(7), 1_000)+num(0), 100) + num(0), ""},
		"blocks that lie about a size":    {list, new(Box[[]int64]), num(-1) + num(9) + strings.Repeat(num(1)+num(7), 100_000) + num(0), ""},
		"array of 100,000 small records":  {pairs, new(Box[[]Pair]), num(100_000) + strings.Repeat("\x01", 100_000) + num(0), intoStruct + intoMap + intoBlank},
		"map of 2^40":                     {index, new(Box[map[string]int64]), num(1 << 40), ""},
		"map of MaxInt64":                 {index, new(Box[map[string]int64]), num(math.MaxInt64), ""},
		"map of MinInt64":                 {index, new(Box[map[string]int64]), num(math.MinInt64) + num(0), ""},
		"map without an end":              {index, new(Box[map[string]int64]), num(1) + num(1) + "k" + num(7), ""},
		"map key of 2^40 bytes":           {index, new(Box[map[string]int64]), num(1) + num(1<<40) + "k", ""},
		"map key that is not UTF-8":       {index, new(Box[map[string]int64]), num(1) + num(1) + "\xff" + num(7) + num(0), intoBlank},
		"map with one key 100,000 times":  {index, new(Box[map[string]int64]), num(100_000) + strings.Repeat(num(0)+num(7), 100_000) + num(0), intoStruct + intoMap + intoBlank},
		"union without its number":        {maybe, new(Box[*int64]), "", ""},
		"union number 2 of 2":             {maybe, new(Box[*int64]), num(2), ""},
		"union number -1":                 {maybe, new(Box[*int64]), num(-1), ""},
		"union number 2^31":               {maybe, new(Box[*int64]), num(1 << 31), ""},
		"union number MinInt64":           {maybe, new(Box[*int64]), num(math.MinInt64), ""},
		"enum number 5 of 2":              {colour, new(Box[Colour]), num(5), intoBlank},
		"enum number -1":                  {colour, new(Box[Colour]), num(-1), intoBlank},
		"enum number 2^31":                {colour, new(Box[Colour]), num(1 << 31), ""},
		"list a million deep":             {chain, new(Box[Chain]), strings.Repeat(num(1), 1_000_000) + num(0), ""},
		"tree a million deep":             {tree, new(Box[Shrub]), strings.Repeat(num(1), 1_000_000) + num(0), ""},
		"one byte too many":               {long, new(Box[int64]), num(7) + "\x00", ""},
		"a mebibyte too many":             {long, new(Box[int64]), num(7) + strings.Repeat("\x00", 1<<20), ""},
		"date at the end of its range":    {`{"type":"int","logicalType":"date"}`, new(Box[int32]), num(math.MaxInt32), intoStruct + intoMap + intoBlank},
		"duration of eleven bytes":        {`{"type":"fixed","name":"fixed_12","size":12,"logicalType":"duration"}`, new(Box[[12]byte]), strings.Repeat("\x00", 11), ""},
		"big-decimal of 65,000 digits":    {`{"type":"bytes","logicalType":"big-decimal"}`, new(Box[[]byte]), num(5) + num(1) + "\x01" + num(65_000), intoStruct + intoBlank},
		"timestamp at the end of its one": {`{"type":"long","logicalType":"timestamp-millis"}`, new(Box[time.Time]), num(math.MaxInt64), intoStruct + intoMap + intoBlank},
	} {
		codec := scripted{"/schemas/ids/1": schemaAnswer(box(c.schema))}.codec(t)
		for target, into := range map[string]any{intoStruct: c.into, intoMap: new(map[string]any), intoBlank: new(Blank)} {
			t.Run(name+" "+target, func(t *testing.T) {
				message := []byte("\x00\x00\x00\x00\x01" + c.body)
				err := guarded(t, func() error { return codec.Decode(t.Context(), message, nil, into) })
				if (err == nil) != strings.Contains(c.fine, target) || isUnavailable(err) {
					t.Errorf("got: %.300v", err)
				}
			})
		}
	}
}

// recordOf is a record of n fields whose text is given once.
func recordOf(name string, n int, typ string) string {
	field := `{"name":"f` + strings.Repeat("x", 8) + `%","type":` + typ + `}`
	var list []string
	for i := range n {
		list = append(list, strings.Replace(field, "%", strings.Repeat("i", i), 1))
	}
	return `{"type":"record","name":"` + name + `","fields":[` + strings.Join(list, ",") + `]}`
}

func extended(record, typ string) string {
	return strings.TrimSuffix(record, `]}`) + `,{"name":"last","type":` + typ + `}]}`
}

// doubling is a record that holds the one before it twice, n times over.
func doubling(n int, innermost string) string {
	text := `{"type":"record","name":"R","fields":[` + innermost + `]}`
	last := "R"
	for range n {
		name := last + "R"
		text = `{"type":"record","name":"` + name + `","fields":[{"name":"a","type":` + text + `},{"name":"b","type":"` + last + `"}]}`
		last = name
	}
	return text
}

// around is an int in n layers.
func around(n int, before, after string) string {
	return strings.Repeat(before, n) + `"int"` + strings.Repeat(after, n)
}

func TestHostileSchemas(t *testing.T) {
	items := func(typ string) string { return `{"type":"array","items":` + typ + `}` }
	values := func(typ string) string { return `{"type":"map","values":` + typ + `}` }
	decimal := func(precision, scale string) string {
		return `{"type":"bytes","logicalType":"decimal","precision":` + precision + `,"scale":` + scale + `}`
	}
	nulls := recordOf("N", 100, `"null"`)
	for name, schema := range map[string]string{
		"no JSON":                                  `{`,
		"nothing":                                  ` `,
		"null":                                     `null`,
		"a number":                                 `5`,
		"an unknown type":                          `{"type":"banana"}`,
		"300 KiB of spaces":                        strings.Repeat(" ", 300<<10) + `"int"`,
		"4,000 arrays":                             around(4_000, `{"type":"array","items":`, `}`),
		"5,000 maps":                               around(5_000, `{"type":"map","values":`, `}`),
		"10,000 unions":                            around(10_000, `["null",`, `]`),
		"10,000 types in a type":                   around(10_000, `{"type":`, `}`),
		"100,000 brackets":                         strings.Repeat("[", 100_000),
		"2^14 empty records":                       doubling(14, ""),
		"2^24 empty records":                       doubling(24, ""),
		"2^60 empty records":                       doubling(60, ""),
		"2^60 records of one byte":                 doubling(60, `{"name":"v","type":"boolean"}`),
		"2^60 records in a list":                   items(doubling(60, `{"name":"v","type":"boolean"}`)),
		"2^60 records in a union":                  `["null",` + doubling(60, "") + `]`,
		"array of null":                            items(`"null"`),
		"array of arrays of null":                  items(items(`"null"`)),
		"map of arrays of null":                    values(items(`"null"`)),
		"array of empty records":                   items(`{"type":"record","name":"E","fields":[]}`),
		"array of a union of arrays of null":       items(`["null",` + items(`"null"`) + `]`),
		"array of records of nothing and a byte":   items(extended(nulls, `"boolean"`)),
		"map of records of nothing":                values(nulls),
		"list of itself with nothing":              extended(nulls, `["null","N"]`),
		"tree of itself with nothing":              extended(nulls, items(`"N"`)),
		"index of itself with nothing":             extended(nulls, values(`"N"`)),
		"array of fixed of nothing":                items(`{"type":"fixed","name":"F","size":0}`),
		"fixed of 2^31":                            `{"type":"fixed","name":"F","size":2147483648}`,
		"fixed of 2^40":                            `{"type":"fixed","name":"F","size":1099511627776}`,
		"fixed of 10^300":                          `{"type":"fixed","name":"F","size":1e300}`,
		"fixed of -1":                              `{"type":"fixed","name":"F","size":-1}`,
		"fixed without a size":                     `{"type":"fixed","name":"F"}`,
		"decimal of scale 10^8":                    decimal("100000000", "100000000"),
		"decimal of scale 60,000":                  decimal("60000", "60000"),
		"decimals of scale 60,000":                 items(decimal("60000", "60000")),
		"decimal of precision 60,000":              decimal("60000", "0"),
		"decimal of precision 10^300":              decimal("1e300", "0"),
		"decimal beside the name":                  `{"type":"record","name":"A","fields":[{"name":"a","type":"bytes","logicalType":"decimal","precision":60000,"scale":60000}]}`,
		"record in itself":                         `{"type":"record","name":"A","fields":[{"name":"a","type":"A"}]}`,
		"record in itself at a remove":             `{"type":"record","name":"A","fields":[{"name":"b","type":{"type":"record","name":"B","fields":[{"name":"a","type":"A"}]}}]}`,
		"undefined type":                           `{"type":"record","name":"A","fields":[{"name":"a","type":"B"}]}`,
		"type defined twice":                       `[{"type":"record","name":"A","fields":[]},{"type":"record","name":"A","fields":[]}]`,
		"field twice":                              `{"type":"record","name":"A","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}`,
		"symbol twice":                             `{"type":"enum","name":"E","symbols":["A","A"]}`,
		"union in a union":                         `["null",["null","int"]]`,
		"a branch twice":                           `["int","int"]`,
		"a name that is none":                      `{"type":"record","name":"a b","fields":[]}`,
		"default of another type":                  `{"type":"record","name":"A","fields":[{"name":"a","type":"int","default":"x"}]}`,
		"default that holds itself without an end": `{"type":"record","name":"A","fields":[{"name":"a","type":"A","default":{}}]}`,
		"20,000 fields":                            `{"type":"record","name":"A","fields":[` + strings.TrimSuffix(strings.Repeat(`{"name":"a"},`, 20_000), ",") + `]}`,
		"trailing text":                            `"int" "int"`,
	} {
		registry := scripted{"/schemas/ids/1": schemaAnswer(schema)}
		for target, into := range map[string]any{intoStruct: new(Blank), intoMap: new(map[string]any)} {
			t.Run(name+" "+target, func(t *testing.T) {
				err := guarded(t, func() error {
					return registry.codec(t).Decode(t.Context(), []byte("\x00\x00\x00\x00\x01"), nil, into)
				})
				wantPermanent(t, err)
			})
		}
		t.Run(name+" given for a message", func(t *testing.T) {
			c := newCodec(t, avro.Config{})
			wantPermanent(t, guarded(t, func() error {
				_, _, err := c.EncodeWith(t.Context(), nil, "hostile", schema, map[string]any{})
				return err
			}))
		})
	}
}

func wantPermanent(t *testing.T, err error) {
	t.Helper()
	if err == nil || isUnavailable(err) {
		t.Errorf("want the schema refused, got: %.300v", err)
	}
}

func TestHostileFraming(t *testing.T) {
	registry := scripted{
		"/schemas/ids/1": schemaAnswer(box(`"long"`)),
		"/schemas/ids/2": `{"schema":"message M {}","schemaType":"PROTOBUF"}`,
		"/schemas/ids/3": `{"schema":"{}","schemaType":"JSON"}`,
		"/schemas/ids/4": schemaAnswer(`"long"`),
	}.codec(t)
	guid := func(text string) headers { return headers{"__value_schema_id": []byte(text)} }
	for name, c := range map[string]struct {
		data    string
		headers headers
	}{
		"no value":                     {"", nil},
		"a 0":                          {"\x00", nil},
		"half an id":                   {"\x00\x00\x00", nil},
		"an id alone":                  {"\x00\x00\x00\x00\x01", nil},
		"id 0":                         {"\x00\x00\x00\x00\x00\x0e", nil},
		"id 2^31":                      {"\x00\x80\x00\x00\x00\x0e", nil},
		"id 2^32-1":                    {"\x00\xff\xff\xff\xff\x0e", nil},
		"an id of Protobuf":            {"\x00\x00\x00\x00\x02\x0e", nil},
		"an id of JSON":                {"\x00\x00\x00\x00\x03\x0e", nil},
		"an id of no record":           {"\x00\x00\x00\x00\x04\x0e", nil},
		"magic 1":                      {"\x01\x00\x00\x00\x01\x0e", nil},
		"magic 255":                    {strings.Repeat("\xff", 64), nil},
		"JSON":                         {`{"v":7}`, nil},
		"a mebibyte of spaces":         {strings.Repeat(" ", 1<<20), nil},
		"half a single object":         {"\xc3\x01\x01", nil},
		"a single object of nobody":    {"\xc3\x01" + strings.Repeat("\x07", 8) + "\x0e", nil},
		"a single object of version 2": {"\xc3\x02" + strings.Repeat("\x07", 8) + "\x0e", nil},
		"a container file":             {"Obj\x01\x04", nil},
		"a GUID of 15 bytes":           {"\x0e", guid("\x01" + strings.Repeat("g", 15))},
		"a GUID of 17 bytes":           {"\x0e", guid("\x01" + strings.Repeat("g", 17))},
		"a GUID of a mebibyte":         {"\x0e", guid(strings.Repeat("\x01", 1<<20))},
		"a GUID of another version":    {"\x0e", guid("\x02" + strings.Repeat("g", 16))},
		"an empty GUID":                {"\x0e", guid("")},
	} {
		for target, into := range map[string]any{intoStruct: new(Box[int64]), intoMap: new(map[string]any)} {
			t.Run(name+" "+target, func(t *testing.T) {
				wantPermanent(t, guarded(t, func() error {
					return registry.Decode(t.Context(), []byte(c.data), c.headers, into)
				}))
			})
		}
	}
}
