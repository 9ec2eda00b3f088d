package avro_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	twmb "github.com/twmb/avro"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

type Colour string

func (Colour) AvroSymbols() []string { return []string{"UNKNOWN", "RED"} }

type Address struct {
	Street string  `json:"street"`
	Zip    *string `json:"zip"`
}

func (Address) AvroNamespace() string { return "com.geo" }

type Base struct {
	ID string `avro:"id"`
}

type Everything struct {
	Base
	UserID  string `json:"user_id,omitempty"`
	N       int
	At      time.Time        `json:"at"`
	Micros  time.Time        `avro:"micros,timestamp-micros"`
	Day     time.Time        `avro:"day,date"`
	Tags    []string         `avro:"tags"`
	Counts  map[string]int64 `avro:"counts"`
	Home    Address
	Work    *Address
	Colour  Colour  `avro:"colour,default=RED"`
	Price   big.Rat `avro:",decimal(10,2)"`
	Took    time.Duration
	Next    *Everything
	Others  []Everything
	Hash    [4]byte
	Key     [16]byte `avro:"key,uuid"`
	Small   int8     `avro:"small,default=3"`
	Note    string   `avro:"note,default=42"`
	Blob    []byte
	Ratio   float32
	Flag    bool
	Secret  string `json:"-"`
	Skipped string `avro:"-"`
}

func full() Everything {
	zip, at := "8000", time.UnixMilli(1700000000123).UTC()
	return Everything{
		Base: Base{"i"}, UserID: "u", N: -4, At: at, Micros: at.Add(7 * time.Microsecond), Day: at.Truncate(24 * time.Hour),
		Tags: []string{"a", "ü"}, Counts: map[string]int64{"k": 3}, Home: Address{"s", &zip}, Work: &Address{"t", nil},
		Colour: "RED", Price: *big.NewRat(12345, 100), Took: 50 * 24 * time.Hour,
		Next:   &Everything{Colour: "UNKNOWN", At: at, Micros: at, Day: at.Truncate(24 * time.Hour)},
		Others: []Everything{}, Hash: [4]byte{1, 2}, Key: [16]byte{9}, Small: -1, Note: "n", Blob: []byte{255}, Ratio: 1.5, Flag: true,
	}
}

func TestSchemaOf(t *testing.T) {
	t.Parallel()
	got, err := avro.SchemaOf[Everything]()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "everything.avsc", indented(t, got))
	pointer, err := avro.SchemaOf[*Everything]()
	if err != nil || pointer != got {
		t.Errorf("a pointer has another schema than its struct: %v %s", err, pointer)
	}
}

func indented(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	var raw json.RawMessage = []byte(text)
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	if err := e.Encode(raw); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

type Plain struct{ A string }

type Namespaced struct{ A Plain }

func (*Namespaced) AvroNamespace() string { return "com.own" }

type Generic[T any] struct{ V T }

func (Generic[T]) AvroName() string { return "Renamed" }

func TestNamespace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of   func() (string, error)
		want string
	}{
		"default":                  {func() (string, error) { return avro.SchemaOf[Plain]() }, "com.core.events.Plain"},
		"argument":                 {func() (string, error) { return avro.SchemaOf[Plain]("com.x") }, "com.x.Plain"},
		"empty argument":           {func() (string, error) { return avro.SchemaOf[Plain]("") }, "com.core.events.Plain"},
		"method wins":              {func() (string, error) { return avro.SchemaOf[Namespaced]("com.x") }, "com.own.Namespaced"},
		"method for the name":      {func() (string, error) { return avro.SchemaOf[Generic[int]]() }, "com.core.events.Renamed"},
		"method on what is inside": {func() (string, error) { return avro.SchemaOf[struct2]("com.x") }, "com.x.struct2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := c.of()
			if err != nil {
				t.Fatal(err)
			}
			root := twmb.MustParse(text).Root()
			if got := root.Namespace + "." + root.Name; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

type struct2 struct{ A Address }

type (
	withChan    struct{ Lines []struct1 }
	struct1     struct{ Price chan int }
	withKey     struct{ M map[int]string }
	withAny     struct{ V any }
	withNumber  struct{ V json.Number }
	withAnon    struct{ V struct{ A int } }
	withRat     struct{ V *big.Rat }
	withDefault struct {
		V *int `avro:"v,default=3"`
	}
	withRange struct {
		V int8 `avro:"v,default=300"`
	}
	withOption struct {
		V int `avro:"v,doc=x"`
	}
	withUnit struct {
		V string `avro:"v,date"`
	}
	withDash struct {
		V int `json:"user-id"`
	}
	withTwins struct {
		A int `avro:"x"`
		B int `avro:"x"`
	}
	withSwap struct {
		A int `json:"B"`
		B int `json:"A"`
	}
	withNest struct {
		Base `json:"base"`
	}
	withSelf  struct{ V selfish }
	selfish   []selfish
	withGen   struct{ V gen[int] }
	withWrong struct {
		V int `avro:"v,default=many"`
	}
	gen[T any] struct{ V T }
)

func TestUnderivableTypesAreNamedByPath(t *testing.T) {
	t.Parallel()
	for path, err := range map[string]error{
		"withChan.Lines[].Price":           check[withChan](t),
		"withKey.M":                        check[withKey](t),
		"withAny.V":                        check[withAny](t),
		"withAnon.V":                       check[withAnon](t),
		"withRat.V":                        check[withRat](t),
		"withDefault.V":                    check[withDefault](t),
		"withRange.V":                      check[withRange](t),
		"withOption.V":                     check[withOption](t),
		"withUnit.V":                       check[withUnit](t),
		"withDash.V":                       check[withDash](t),
		"withTwins":                        check[withTwins](t),
		"withSwap.B":                       check[withSwap](t),
		"withNest.Base":                    check[withNest](t),
		"withSelf.V":                       check[withSelf](t),
		"withGen.V":                        check[withGen](t),
		"withNumber.V":                     check[withNumber](t),
		"withWrong":                        check[withWrong](t),
		"int: it is not a struct":          check[int](t),
		"interface {}: it is not a struct": check[any](t),
		"Time: it is not a struct":         check[time.Time](t),
	} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("want an error with %q, got: %v", path, err)
		}
	}
}

func check[T any](t *testing.T) error {
	t.Helper()
	return newCodec(t, avro.Config{}).Check(subject[T]("orders"))
}

func TestCheckTakesMapsAndUnknownTypes(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	for _, s := range []codec.Subject{{Topic: "orders"}, subject[map[string]any]("orders"), subject[*Everything]("orders")} {
		if err := c.Check(s); err != nil {
			t.Errorf("%v: %v", s.Type, err)
		}
	}
}

func TestCheckRefusesTypesThatASingleObjectCannotTellApart(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	if err := c.Check(subject[inMillis]("a")); err != nil {
		t.Fatal(err)
	}
	err := c.Check(subject[inMicros]("b"))
	if err == nil || !strings.Contains(err.Error(), "timestamp-millis") {
		t.Errorf("two units under one fingerprint: %v", err)
	}
}

type inMillis struct{ At time.Time }

func (inMillis) AvroName() string { return "Clock" }

type inMicros struct {
	At time.Time `avro:",timestamp-micros"`
}

func (inMicros) AvroName() string { return "Clock" }

// sameAsLibrary compares with the library's own derivation, for types that both take.
func sameAsLibrary[T any](t *testing.T) {
	t.Helper()
	ours, err := avro.SchemaOf[T]("com.x")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := twmb.SchemaFor[T](twmb.WithNamespace("com.x"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(theirs.Canonical()), string(twmb.MustParse(ours).Canonical())); diff != "" {
		t.Error(diff)
	}
}

type Tree struct {
	Base
	*Embedded
	Left, Right *Tree
	ByName      map[string][]Tree
	Times       []time.Time
	U8          uint8
	U32         uint32
	U64         uint64
	I16         int16
	F           float64
	Inline      Leaf `avro:",inline"`
	Named       Leaf `avro:"named,type-alias=OldLeaf"`
	Old         int  `avro:"renamed,alias=old,alias=[older,oldest],default=7"`
	Raw         []byte
	Fixed       [8]byte
	ID16        [16]byte `avro:",uuid"`
	Text        string   `avro:",uuid"`
	Raw2        int64    `avro:",timestamp-nanos"`
}

type Embedded struct {
	ID    string // hidden by the tagged one
	Depth int32
}

type Leaf struct {
	Value string `avro:"value"`
}

func TestDerivationAgreesWithTheLibrary(t *testing.T) {
	t.Parallel()
	sameAsLibrary[Plain](t)
	sameAsLibrary[Tree](t)
	sameAsLibrary[Embedded](t)
}
