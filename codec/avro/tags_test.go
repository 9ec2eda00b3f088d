package avro_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/codec/avro"
)

type Digest [4]byte

type Tagged struct {
	First   Colour          `avro:"first,type-alias=Color"`
	Again   Colour          `avro:"again,type-alias=Color,default=RED"`
	Quoted  string          `avro:"quoted,default=\"a,b\""`
	Text    string          `avro:"text,default=a,b (c"`
	Number  float64         `avro:"number,default=1.5"`
	Flag    bool            `avro:"flag,default=true"`
	List    []Leaf          `avro:"list,type-alias=OldLeaf,default=[]"`
	ByName  map[string]Leaf `avro:"by_name,type-alias=OldLeaf,alias=[byName,names],default={}"`
	Sum     *Digest         `avro:"sum,type-alias=Hash,default=null"`
	Since   time.Duration   `avro:"since,time-millis"`
	Local   time.Time       `avro:"local,local-timestamp-micros"`
	Addr    netip.Addr      `avro:"addr"`
	ID      netip.Addr      `avro:"id,uuid"`
	Flat    Leaf            `avro:",inline"`
	Anybody *Leaf           `avro:"anybody"`
}

func TestTags(t *testing.T) {
	t.Parallel()
	text, err := avro.SchemaOf[Tagged]()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "tagged.avsc", indented(t, text))
	c := newCodec(t, avro.Config{})
	addr := netip.MustParseAddr("10.0.0.1")
	want := Tagged{First: "RED", Again: "UNKNOWN", Since: time.Minute, Local: time.UnixMicro(5).UTC(), Addr: addr, ID: addr, Sum: &Digest{1}, Flat: Leaf{"v"}}
	got := mustDecode[Tagged](t, c, encode(t, c, want))
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

type (
	withRename struct {
		A Plain
		B other
	}
	other     struct{ C int }
	withAlias struct {
		N int `avro:"n,type-alias=Old"`
	}
	withPointers struct{ V **int }
	withHalf     struct{ V half }
	half         struct{ S string }
	withInline   struct {
		V int `avro:",inline"`
	}
	withTime struct {
		V time.Time `avro:",uuid"`
	}
	withDeepDash struct{ V map[string]map[int]string }
)

func (other) AvroName() string { return "Plain" }

func (half) MarshalText() ([]byte, error) { return nil, nil }

func TestTagsThatSayTooMuch(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"withRename.B: avro_test.Plain and avro_test.other are both called com.core.events.Plain": check[withRename](t),
		"withAlias.N: type-alias wants":                 check[withAlias](t),
		"withPointers.V: **int":                         check[withPointers](t),
		"withHalf.V: avro_test.half has only one of":    check[withHalf](t),
		"withInline.V: inline wants a struct":           check[withInline](t),
		"withTime.V: time.Time cannot be a uuid":        check[withTime](t),
		"withDeepDash.V[]: the keys of an Avro map are": check[withDeepDash](t),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got: %v", want, err)
		}
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	single, registry := newCodec(t, avro.Config{}), newCodec(t, avro.Config{URLs: []string{"http://registry"}})
	if got := single.ContentType() + " " + registry.ContentType(); got != "application/avro application/vnd.confluent.avro" {
		t.Errorf("got %s", got)
	}
}
