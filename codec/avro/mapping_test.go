package avro_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec/avro"
)

// mappingPage has the tables of Go and Avro types, which are made here.
const mappingPage = "../../docs/reference/avro-types.md"

// Line is a struct inside another.
type Line struct {
	SKU string `avro:"sku"`
}

// Mapped has a field for every row of the table.
type Mapped struct {
	Bool        bool              `avro:"bool"`
	Int8        int8              `avro:"int8"`
	Int16       int16             `avro:"int16"`
	Int32       int32             `avro:"int32"`
	Uint8       uint8             `avro:"uint8"`
	Uint16      uint16            `avro:"uint16"`
	Int         int               `avro:"int"`
	Int64       int64             `avro:"int64"`
	Uint        uint              `avro:"uint"        note:"above 2⁶³−1 is an error"`
	Uint32      uint32            `avro:"uint32"`
	Uint64      uint64            `avro:"uint64"      note:"above 2⁶³−1 is an error"`
	Float32     float32           `avro:"float32"`
	Float64     float64           `avro:"float64"`
	String      string            `avro:"string"      note:"has to be UTF-8, here and everywhere"`
	Text        netip.Addr        `avro:"text"        note:"any type with MarshalText and UnmarshalText"`
	Bytes       []byte            `avro:"bytes"`
	Fixed       [4]byte           `avro:"fixed"`
	Digest      Digest            `avro:"digest"      note:"type Digest [4]byte"`
	Enum        Colour            `avro:"enum"        note:"a string type with AvroSymbols() []string; the default is the symbol UNKNOWN, if any"`
	UUIDText    string            `avro:"uuid_text,uuid"`
	UUID        [16]byte          `avro:"uuid,uuid"`
	Span        [12]byte          `avro:"span,duration"                       note:"months, days, milliseconds: four bytes each, the lowest first"`
	Time        time.Time         `avro:"time"                                note:"cut to the unit, here and below"`
	Millis      time.Time         `avro:"millis,timestamp-millis"`
	Micros      time.Time         `avro:"micros,timestamp-micros"`
	Nanos       time.Time         `avro:"nanos,timestamp-nanos"               note:"years 1678 to 2262"`
	LocalMillis time.Time         `avro:"local_millis,local-timestamp-millis"`
	LocalMicros time.Time         `avro:"local_micros,local-timestamp-micros"`
	LocalNanos  time.Time         `avro:"local_nanos,local-timestamp-nanos"   note:"years 1678 to 2262"`
	Date        time.Time         `avro:"date,date"`
	Took        time.Duration     `avro:"took"`
	Clock       time.Duration     `avro:"took_micros,time-micros"`
	Short       time.Duration     `avro:"took_millis,time-millis"             note:"at most 24 days"`
	RawMicros   int64             `avro:"raw_micros,timestamp-micros"         note:"any logical type of long, as the number it is"`
	RawDate     int32             `avro:"raw_date,date"                       note:"date and time-millis, as the number they are"`
	Price       big.Rat           `avro:"price,decimal(10,2)"                 note:"never rounded: more digits are an error"`
	Struct      Line              `avro:"struct"                              note:"type Line struct{ SKU string }"`
	Again       Line              `avro:"again"                               note:"a type that is there already is named alone"`
	Own         Address           `avro:"own"                                 note:"Address has AvroNamespace() string"`
	List        []string          `avro:"list"`
	Array       [2]int64          `avro:"array"`
	Map         map[string]Line   `avro:"map"`
	Pointer     *string           `avro:"pointer"                             note:"of any of the types here but a pointer; null comes first"`
	PointerTime *time.Time        `avro:"pointer_time,timestamp-micros"`
	PointerType *Line             `avro:"pointer_type"`
	Default     string            `avro:"default,default=free"                note:"what readers take where a message has no such field"`
	DefaultList []int64           `avro:"default_list,default=[]"`
	Aliased     int64             `avro:"aliased,alias=old"                   note:"reads what was written under the old name"`
	TypeAliased Parcel            `avro:"type_aliased,type-alias=Package"     note:"reads what was written as the old type"`
	Maps        map[string]string `json:"from_json"                           note:"without an avro tag: the name in the json tag, else the Go name"`
	Left        string            `avro:"-"                                   note:"left out; so is json:\"-\" without an avro tag"`
	Line                          // its fields, as Go promotes them
}

// Parcel is a type that had another name.
type Parcel struct {
	Grams int64 `avro:"grams"`
}

func mapped() Mapped {
	at, text, zip := time.UnixMilli(1_700_000_000_123).UTC(), "text", "8000"
	return Mapped{
		Bool: true, Int8: -128, Int16: -32768, Int32: -1 << 31, Uint8: 255, Uint16: 65535, Int: -1 << 63, Int64: 1<<63 - 1,
		Uint: 1<<63 - 1, Uint32: 1<<32 - 1, Uint64: 1<<63 - 1, Float32: 0.5, Float64: -0.25, String: "ü", Text: netip.MustParseAddr("::1"),
		Bytes: []byte{0, 255}, Fixed: [4]byte{1}, Digest: Digest{2}, Enum: "RED", UUIDText: "0188a5eb-6ae2-7b9f-8f4e-000000000001", UUID: [16]byte{3},
		Span: [12]byte{4}, Time: at, Millis: at, Micros: at.Add(time.Microsecond), Nanos: at.Add(1), LocalMillis: at, LocalMicros: at.Add(time.Microsecond),
		LocalNanos: at.Add(1), Date: at.Truncate(24 * time.Hour), Took: 3 * time.Microsecond, Clock: time.Hour, Short: time.Minute,
		RawMicros: 5, RawDate: 6, Price: *big.NewRat(-1, 100), Struct: Line{"a"}, Again: Line{"b"}, Own: Address{"s", &zip}, List: []string{"", "x"},
		Array: [2]int64{7, 8}, Map: map[string]Line{"k": {"c"}}, Pointer: &text, PointerTime: &at, PointerType: &Line{"d"}, Default: "paid",
		DefaultList: []int64{9}, Aliased: 10, TypeAliased: Parcel{11}, Maps: map[string]string{"k": "v"}, Line: Line{"e"},
	}
}

// What the table says is what the codec does, and every type comes back as it went out.
func TestEveryTypeOfTheMapping(t *testing.T) {
	t.Parallel()
	text, err := avro.SchemaOf[Mapped]()
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Fields []struct {
			Type, Default json.RawMessage
			Aliases       []string
		}
	}
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| Go | tag | Avro | |\n|---|---|---|---|\n")
	next := 0
	for f := range reflect.TypeFor[Mapped]().Fields() {
		avroText := "nothing"
		if f.Name != "Left" {
			of := record.Fields[next]
			avroText = schemaCell(of.Type, of.Default, of.Aliases)
			next++
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", goType(f), tagCell(f), avroText, noteOf(f))
	}
	if next != len(record.Fields) {
		t.Errorf("%d rows for %d fields", next, len(record.Fields))
	}
	wantSection(t, "mapping", table.String())
	for frame, c := range map[string]*avro.Codec{"single object": newCodec(t, avro.Config{}), "registry": withRegistry(t, newFake(t))} {
		got := mustDecode[Mapped](t, c, encode(t, c, mapped()))
		sameAddr := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
		if diff := cmp.Diff(mapped(), got, cmp.Comparer(sameRat), sameAddr); diff != "" {
			t.Errorf("%s: %s", frame, diff)
		}
	}
}

func goType(f reflect.StructField) string {
	name := strings.ReplaceAll(f.Type.String(), "avro_test.", "")
	name = strings.ReplaceAll(name, "[]uint8", "[]byte")
	name = strings.ReplaceAll(name, "]uint8", "]byte")
	if f.Anonymous {
		return name + " (embedded)"
	}
	return name
}

func tagCell(f reflect.StructField) string {
	tag := f.Tag.Get("avro")
	if name, options, ok := strings.Cut(tag, ","); ok && name != "" {
		return "`" + options + "`"
	}
	if name := f.Tag.Get("json"); name != "" {
		return "`json:\"" + name + "\"`"
	}
	if tag == "-" {
		return "`-`"
	}
	return ""
}

func noteOf(f reflect.StructField) string {
	if f.Anonymous {
		return "or any struct with the option `inline`: its fields take its place"
	}
	return f.Tag.Get("note")
}

func schemaCell(typ, def json.RawMessage, aliases []string) string {
	cell := "`" + strings.Trim(string(typ), `"`) + "`"
	if len(def) > 0 {
		cell += ", default `" + string(def) + "`"
	}
	if len(aliases) > 0 {
		cell += ", aliases `" + strings.Join(aliases, "`, `") + "`"
	}
	return strings.ReplaceAll(cell, "|", `\|`)
}

// wantSection wants a table between the marks of its name on the page.
func wantSection(t *testing.T, name, table string) {
	t.Helper()
	data, err := os.ReadFile(mappingPage)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	head, rest, found := strings.Cut(string(data), begin)
	old, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no section %s", mappingPage, name)
	}
	if *update {
		if err := os.WriteFile(mappingPage, []byte(head+begin+table+end+tail), 0o600); err != nil { //nolint:gosec // our own page
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table, old); diff != "" {
		t.Errorf("%s, section %s (rewrite with go test -update): %s", mappingPage, name, diff)
	}
}

// Shop holds values of any type two levels down.
type Shop[T any] struct{ Lines []ShopLine[T] }

type ShopLine[T any] struct{ Price T }

func (Shop[T]) AvroName() string { return "Shop" }

func (ShopLine[T]) AvroName() string { return "ShopLine" }

// Types without a schema are errors at the start, which name the place of the field.
func TestEveryErrorOfTheMapping(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| Go | the error |\n|---|---|\n")
	for _, row := range []struct {
		code string
		err  error
	}{
		{"chan int", check[Shop[chan int]](t)},
		{"func()", check[Shop[func()]](t)},
		{"any", check[Shop[any]](t)},
		{"complex128", check[Shop[complex128]](t)},
		{"uintptr", check[Shop[uintptr]](t)},
		{"map[int]string", check[Shop[map[int]string]](t)},
		{"struct{ A int }", check[Shop[struct{ A int }]](t)},
		{"**int", check[Shop[**int]](t)},
		{"json.Number", check[Shop[json.Number]](t)},
		{"big.Rat", check[Shop[big.Rat]](t)},
		{"type half, with MarshalText alone", check[Shop[half]](t)},
		{"type selfish []selfish", check[Shop[selfish]](t)},
		{"time.Time `avro:\",uuid\"`", check[withTime](t)},
		{"string `avro:\"v,date\"`", check[withUnit](t)},
		{"int8 `avro:\"v,default=300\"`", check[withRange](t)},
		{"*int `avro:\"v,default=3\"`", check[withDefault](t)},
		{"int `avro:\"v,doc=x\"`", check[withOption](t)},
		{"int `json:\"user-id\"`", check[withDash](t)},
	} {
		if row.err == nil {
			t.Errorf("%s has a schema", row.code)
			continue
		}
		text := strings.ReplaceAll(row.err.Error(), "avro_test.", "")
		_, what, shown := strings.Cut(text, ".Lines[].Price")
		what = strings.TrimPrefix(strings.ReplaceAll(what, "[][]", ""), ": ")
		if !shown {
			_, what, shown = strings.Cut(text, ".V: ")
		}
		if !shown || !strings.HasPrefix(text, "topic orders: derive an avro schema: ") {
			t.Errorf("%s: no path in: %s", row.code, text)
		}
		fmt.Fprintf(&table, "| `` %s `` | %s |\n", row.code, what)
	}
	wantSection(t, "errors", table.String())
}

// What the notes of the table say is too much, or is written as something else.
func TestLimitsOfTheMapping(t *testing.T) {
	t.Parallel()
	type Uint struct {
		V uint64 `avro:"v"`
	}
	type Nanos struct {
		V time.Time `avro:"v,timestamp-nanos"`
	}
	type Span struct {
		V time.Duration `avro:"v,time-millis"`
	}
	type Zero struct {
		Plan string  `avro:"plan,omitzero,default=free"`
		Note *string `avro:"note,omitzero"`
	}
	c := newCodec(t, avro.Config{})
	for name, v := range map[string]any{
		"uint64 of 2^63": Uint{1 << 63}, "the year 2263": Nanos{time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC)},
		"the year 1677": Nanos{time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC)}, "25 days": Span{25 * 24 * time.Hour},
		"a third": Price{*big.NewRat(1, 3)}, "eleven digits": Price{*big.NewRat(1_000_000_000, 1)}, "no symbol": Box[Colour]{"GREEN"},
	} {
		s := subject[any]("orders")
		s.Type = reflect.TypeOf(v)
		if data, _, err := c.Encode(t.Context(), nil, s, v); err == nil || isUnavailable(err) {
			t.Errorf("%s went out as %x: %v", name, data, err)
		}
	}
	for _, v := range []any{Nanos{time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)}, Nanos{time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)}, Span{24 * 24 * time.Hour}} {
		s := subject[any]("orders")
		s.Type = reflect.TypeOf(v)
		encodeTo(t, c, s, v)
	}
	if got := mustDecode[Zero](t, c, encode(t, c, Zero{})); got.Plan != "free" || got.Note != nil {
		t.Errorf("a zero value with omitzero came back as %+v", got)
	}
}
