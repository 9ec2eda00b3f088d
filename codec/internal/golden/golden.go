// Package golden holds the values whose bytes every Avro codec of ours agrees on. The bytes
// are in codec/avro/testdata/golden, a file per value.
package golden

import (
	"math"
	"math/big"
	"time"
)

// Vector is a value with the bytes that stand for it.
type Vector struct {
	// Name is that of the file.
	Name string
	// Value is a struct.
	Value any
}

// File is what is kept of a vector.
type File struct {
	// Value as any language can show it: times in microseconds, or in RFC 3339 where those do not do; bytes in hex, decimals as text.
	Value any `json:"value"`
	// Schema as it is registered.
	Schema any `json:"schema"`
	// Confluent is the message under the registry's id 1, in hex.
	Confluent string `json:"confluent"`
	// Single is the message as a single object, in hex.
	Single string `json:"single"`
}

// Primitives has a field of every plain type, at an end of its range.
type Primitives struct {
	Flag  bool    `avro:"flag"`
	Int   int32   `avro:"int"`
	Long  int64   `avro:"long"`
	Tiny  int8    `avro:"tiny"`
	Ratio float32 `avro:"ratio"`
	Exact float64 `avro:"exact"`
	Text  string  `avro:"text"`
	Bytes []byte  `avro:"bytes"`
}

// Nullable has a value and none of each.
type Nullable struct {
	Text   *string `avro:"text"`
	NoText *string `avro:"no_text"`
	Long   *int64  `avro:"long"`
	NoLong *int64  `avro:"no_long"`
	Home   *Place  `avro:"home"`
	NoHome *Place  `avro:"no_home"`
}

// Lists holds lists and maps, empty ones too.
type Lists struct {
	Names  []string           `avro:"names"`
	None   []int64            `avro:"none"`
	Places []Place            `avro:"places"`
	Matrix [][]int32          `avro:"matrix"`
	Counts map[string]int64   `avro:"counts"`
	Empty  map[string]float64 `avro:"empty"`
	Index  map[string]Place   `avro:"index"`
}

// Place belongs to another namespace than the records around it.
type Place struct {
	Street string  `avro:"street"`
	Zip    *string `avro:"zip"`
}

// AvroNamespace is that of places.
func (Place) AvroNamespace() string { return "com.geo" }

// Nested holds one type twice, and itself.
type Nested struct {
	Home Place   `avro:"home"`
	Work Place   `avro:"work"`
	Next *Nested `avro:"next"`
}

// Colour is an enum.
type Colour string

// AvroSymbols are the colours.
func (Colour) AvroSymbols() []string { return []string{"UNKNOWN", "RED", "BLUE"} }

// Enums holds an enum, a list of it and one that may be missing.
type Enums struct {
	Colour Colour   `avro:"colour"`
	Maybe  *Colour  `avro:"maybe"`
	All    []Colour `avro:"all"`
}

// Money holds decimals.
type Money struct {
	Price big.Rat `avro:"price,decimal(10,2)"`
	Debt  big.Rat `avro:"debt,decimal(10,2)"`
	Tiny  big.Rat `avro:"tiny,decimal(20,10)"`
}

// Times holds times and durations.
type Times struct {
	Millis time.Time     `avro:"millis,timestamp-millis"`
	Micros time.Time     `avro:"micros,timestamp-micros"`
	Before time.Time     `avro:"before,timestamp-millis"`
	Day    time.Time     `avro:"day,date"`
	Took   time.Duration `avro:"took,time-micros"`
	Short  time.Duration `avro:"short,time-millis"`
}

// Hash is a fixed.
type Hash [4]byte

// Fixed holds values of a fixed length.
type Fixed struct {
	Hash Hash   `avro:"hash"`
	More []Hash `avro:"more"`
}

// Identity holds a UUID as bytes and one as text.
type Identity struct {
	Bytes [16]byte `avro:"bytes,uuid"`
	Text  string   `avro:"text,uuid"`
}

// Nanos holds times in nanoseconds, which schemas have had since Avro 1.12.
type Nanos struct {
	At     time.Time  `avro:"at,timestamp-nanos"`
	Before time.Time  `avro:"before,timestamp-nanos"`
	Clock  time.Time  `avro:"clock,local-timestamp-nanos"`
	Maybe  *time.Time `avro:"maybe,timestamp-nanos"`
}

// Spans holds durations of months, days and milliseconds, four bytes each.
type Spans struct {
	For     [12]byte  `avro:"for,duration"`
	Longest [12]byte  `avro:"longest,duration"`
	Maybe   *[12]byte `avro:"maybe,duration"`
}

// Everything holds all the others that every peer knows.
type Everything struct {
	Primitives Primitives `avro:"primitives"`
	Nullable   Nullable   `avro:"nullable"`
	Lists      Lists      `avro:"lists"`
	Nested     Nested     `avro:"nested"`
	Enums      Enums      `avro:"enums"`
	Money      Money      `avro:"money"`
	Times      Times      `avro:"times"`
	Fixed      Fixed      `avro:"fixed"`
	Identity   Identity   `avro:"identity"`
}

// Vectors returns all vectors, the one with everything last.
func Vectors() []Vector {
	all := everything()
	return []Vector{
		{"primitives", all.Primitives},
		{"nullable", all.Nullable},
		{"lists", all.Lists},
		{"nested", all.Nested},
		{"enums", all.Enums},
		{"money", all.Money},
		{"times", all.Times},
		{"fixed", all.Fixed},
		{"identity", all.Identity},
		{"nanos", nanos()},
		{"spans", spans()},
		{"everything", all},
	}
}

func nanos() Nanos {
	at := time.Unix(1_700_000_000, 123_456_789).UTC()
	return Nanos{At: at, Before: time.Unix(-1, 999_999_999).UTC(), Clock: at.Add(time.Hour), Maybe: &at}
}

func spans() Spans {
	longest := [12]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}
	return Spans{For: [12]byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 0, 0}, Longest: longest, Maybe: &[12]byte{}}
}

func everything() Everything {
	zip, text, long, blue := "8000", "grüezi", int64(-1), Colour("BLUE")
	home, work := Place{"Main Street 1", &zip}, Place{"Côte 2", nil}
	at := time.UnixMilli(1_700_000_000_123).UTC()
	id := [16]byte{0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x42, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00}
	return Everything{
		Primitives: Primitives{true, math.MinInt32, math.MaxInt64, -128, 1.5, -math.MaxFloat64, "naïve 日本 😀", []byte{0, 127, 255}},
		Nullable:   Nullable{Text: &text, Long: &long, Home: &home},
		Lists: Lists{
			Names: []string{"", "a", "ü"}, None: []int64{}, Places: []Place{home, work}, Matrix: [][]int32{{1, -2}, {}, {64}},
			Counts: map[string]int64{"k": 1 << 40}, Empty: map[string]float64{}, Index: map[string]Place{"schlüssel": work},
		},
		Nested:   Nested{Home: home, Work: work, Next: &Nested{Home: work, Work: home}},
		Enums:    Enums{Colour: "RED", Maybe: &blue, All: []Colour{"UNKNOWN", "BLUE"}},
		Money:    Money{Price: *big.NewRat(12345, 100), Debt: *big.NewRat(-1, 100), Tiny: *big.NewRat(1, 10_000_000_000)},
		Times:    Times{at, at.Add(456 * time.Microsecond), time.UnixMilli(-1).UTC(), at.Truncate(24 * time.Hour), 23*time.Hour + time.Microsecond, 1500 * time.Millisecond},
		Fixed:    Fixed{Hash{1, 2, 3, 255}, []Hash{{}, {9}}},
		Identity: Identity{id, "123e4567-e89b-42d3-a456-426614174000"},
	}
}
