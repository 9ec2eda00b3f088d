package avro_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	twmb "github.com/twmb/avro"

	"github.com/leat-go/leat/codec/avro"
)

func record(fields string) string {
	return `{"type":"record","name":"Order","namespace":"shop","fields":[` + fields + `]}`
}

func typed(typ string) string { return record(`{"name":"a","type":` + typ + `}`) }

const (
	id      = `{"name":"id","type":"string"}`
	small   = `{"type":"enum","name":"Plan","symbols":["FREE","PRO"]}`
	large   = `{"type":"enum","name":"Plan","symbols":["FREE","PRO","TEAM"]}`
	safe    = `{"type":"enum","name":"Plan","symbols":["UNKNOWN","FREE"],"default":"UNKNOWN"}`
	safer   = `{"type":"enum","name":"Plan","symbols":["UNKNOWN","PRO"],"default":"UNKNOWN"}`
	address = `{"type":"record","name":"Address","fields":[{"name":"zip","type":"string"}]}`
	located = `{"type":"record","name":"Address","fields":[{"name":"zip","type":"string"},{"name":"country","type":"string"}]}`
)

// schemaPairs are changes with what they do to readers. laxRegistry marks where the rules here are
// stricter than those of a registry, on purpose.
var schemaPairs = []struct {
	name, older, newer string
	want               avro.Rollout
	changes            []avro.Change
	laxRegistry        bool // registries allow it
}{
	{name: "nothing", older: record(id), newer: record(id), want: avro.EitherOrder},
	{
		name: "docs", older: record(id), newer: record(`{"name":"id","type":"string","doc":"what it is"}`), want: avro.EitherOrder,
		changes: []avro.Change{{What: "only docs, order, aliases or properties that readers do not need"}},
	},
	{
		name: "a new field with a default", older: record(id), newer: record(id + `,{"name":"n","type":"int","default":1}`), want: avro.EitherOrder,
		changes: []avro.Change{{Path: "n", What: "added with default 1"}},
	},
	{
		name: "a new field without one", older: record(id), newer: record(id + `,{"name":"n","type":"int"}`), want: avro.ProducersFirst,
		changes: []avro.Change{{Path: "n", What: "added with no default", Backward: "it was not written and has no default"}},
	},
	{
		name: "a new field that may be null, with no default spelled out", older: record(id), newer: record(id + `,{"name":"n","type":["null","int"]}`),
		want:    avro.ProducersFirst,
		changes: []avro.Change{{Path: "n", What: "added with no default", Backward: "it was not written and has no default"}},
	},
	{
		name: "a default of the wrong branch", older: record(id), newer: record(id + `,{"name":"n","type":["int","null"],"default":null}`), want: avro.ProducersFirst,
		changes: []avro.Change{{
			Path: "n", What: "added with default null",
			Backward: "it was not written, and its default null is not of the first type of its union",
		}},
		laxRegistry: true,
	},
	{
		name: "a field less", older: record(id + `,{"name":"n","type":"int"}`), newer: record(id), want: avro.ConsumersFirst,
		changes: []avro.Change{{Path: "n", What: "removed", Forward: "it was not written and has no default"}},
	},
	{
		name: "a field with a default less", older: record(id + `,{"name":"n","type":"int","default":0}`), newer: record(id), want: avro.EitherOrder,
		changes: []avro.Change{{Path: "n", What: "removed"}},
	},
	{
		name: "a default changed", older: record(`{"name":"s","type":"string","default":"a"}`), newer: record(`{"name":"s","type":"string","default":"b"}`),
		want: avro.EitherOrder, changes: []avro.Change{{Path: "s", What: `default "a" became default "b"`}},
	},
	{
		name: "a field renamed", older: record(`{"name":"a","type":"int"}`), newer: record(`{"name":"b","type":"int"}`), want: avro.NotInPlace,
		changes: []avro.Change{
			{Path: "a", What: "removed", Forward: "it was not written and has no default"},
			{Path: "b", What: "added with no default", Backward: "it was not written and has no default"},
		},
	},
	{
		name: "a field renamed with an alias", older: record(`{"name":"a","type":"int"}`), newer: record(`{"name":"b","aliases":["a"],"type":"long"}`),
		want: avro.ConsumersFirst,
		changes: []avro.Change{{
			Path: "a", What: "renamed to b with an alias; int became long", Forward: "it was not written and has no default",
		}},
	},
	{
		name: "an alias that stands for two fields", older: record(`{"name":"a","type":"int"},{"name":"b","type":"int"}`),
		newer: record(`{"name":"b","aliases":["a"],"type":"int"}`), want: avro.NotInPlace,
		changes: []avro.Change{
			{Path: "a", What: "renamed to b with an alias", Forward: "it was not written and has no default"},
			{Path: "b", What: "changed", Backward: "its name and aliases stand for several written fields: a, b"},
		},
	},
	{
		name: "int to long", older: typed(`"int"`), newer: typed(`"long"`), want: avro.ConsumersFirst,
		changes: []avro.Change{{Path: "a", What: "int became long", Forward: "long cannot be read as int"}},
	},
	{
		name: "double to float", older: typed(`"double"`), newer: typed(`"float"`), want: avro.ProducersFirst,
		changes: []avro.Change{{Path: "a", What: "double became float", Backward: "double cannot be read as float"}},
	},
	{name: "string to bytes", older: typed(`"string"`), newer: typed(`"bytes"`), want: avro.EitherOrder, changes: []avro.Change{{Path: "a", What: "string became bytes"}}},
	{
		name: "string to int", older: typed(`"string"`), newer: typed(`"int"`), want: avro.NotInPlace,
		changes: []avro.Change{{
			Path: "a", What: "string became int", Backward: "string cannot be read as int", Forward: "int cannot be read as string",
		}},
	},
	{
		name: "may be null now", older: typed(`"string"`), newer: typed(`["null","string"]`), want: avro.ConsumersFirst,
		changes: []avro.Change{{Path: "a", What: "string became null|string", Forward: "null cannot be read as string"}},
	},
	{
		name: "may not be null any more", older: typed(`["null","string"]`), newer: typed(`"string"`), want: avro.ProducersFirst,
		changes: []avro.Change{{Path: "a", What: "null|string became string", Backward: "null cannot be read as string"}},
	},
	{
		name: "a branch less", older: typed(`["null","string","int"]`), newer: typed(`["null","string"]`), want: avro.ProducersFirst,
		changes: []avro.Change{{Path: "a", What: "null|string|int became null|string", Backward: "no branch of null|string takes int"}},
	},
	{
		name: "millis to micros", older: typed(`{"type":"long","logicalType":"timestamp-millis"}`),
		newer: typed(`{"type":"long","logicalType":"timestamp-micros"}`), want: avro.NotInPlace,
		changes: []avro.Change{{
			Path: "a", What: "long(timestamp-millis) became long(timestamp-micros)",
			Backward: "written as timestamp-millis, read as timestamp-micros", Forward: "written as timestamp-micros, read as timestamp-millis",
		}},
		laxRegistry: true,
	},
	{
		name: "a time to a number", older: typed(`["null",{"type":"long","logicalType":"timestamp-millis"}]`), newer: typed(`["null","long"]`), want: avro.NotInPlace,
		changes: []avro.Change{{
			Path: "a", What: "long(timestamp-millis) became long",
			Backward: "written as timestamp-millis, read as long without a logical type",
			Forward:  "written as long without a logical type, read as timestamp-millis",
		}},
		laxRegistry: true,
	},
	{
		name: "a number to a time of another width", older: typed(`"int"`), newer: typed(`{"type":"long","logicalType":"timestamp-millis"}`), want: avro.NotInPlace,
		changes: []avro.Change{{
			Path: "a", What: "int became long(timestamp-millis)",
			Backward: "written as int without a logical type, read as timestamp-millis", Forward: "long(timestamp-millis) cannot be read as int",
		}},
		laxRegistry: true,
	},
	{
		name: "a decimal's scale", older: typed(`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`),
		newer: typed(`{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}`), want: avro.NotInPlace,
		changes: []avro.Change{{
			Path: "a", What: "bytes(decimal(9,2)) became bytes(decimal(9,3))",
			Backward: "written as decimal(9,2), read as decimal(9,3)", Forward: "written as decimal(9,3), read as decimal(9,2)",
		}},
		laxRegistry: true,
	},
	{
		name: "a symbol more", older: typed(small), newer: typed(large), want: avro.ConsumersFirst,
		changes: []avro.Change{{
			Path: "a", What: "symbol TEAM added", Forward: "the reader does not know the symbol TEAM and has no default symbol",
		}},
	},
	{
		name: "a symbol less", older: typed(large), newer: typed(small), want: avro.ProducersFirst,
		changes: []avro.Change{{
			Path: "a", What: "symbol TEAM removed", Backward: "the reader does not know the symbol TEAM and has no default symbol",
		}},
	},
	{
		name: "symbols with a default", older: typed(safe), newer: typed(safer), want: avro.EitherOrder,
		changes: []avro.Change{{Path: "a", What: "symbol FREE removed; symbol PRO added"}},
	},
	{
		name: "an enum renamed", older: typed(small), newer: typed(`{"type":"enum","name":"Tier","symbols":["FREE","PRO"]}`), want: avro.NotInPlace,
		changes: []avro.Change{{
			Path: "a", What: "shop.Plan became shop.Tier", Backward: "written as shop.Plan, read as shop.Tier, and no alias tells the reader",
			Forward: "written as shop.Tier, read as shop.Plan, and no alias tells the reader",
		}},
	},
	{
		name: "an enum renamed with an alias", older: typed(small), newer: typed(`{"type":"enum","name":"Tier","aliases":["Plan"],"symbols":["FREE","PRO"]}`),
		want: avro.ConsumersFirst,
		changes: []avro.Change{{
			Path: "a", What: "shop.Plan became shop.Tier", Forward: "written as shop.Tier, read as shop.Plan, and no alias tells the reader",
		}},
	},
	{
		name: "a record in another namespace", older: record(id), newer: `{"type":"record","name":"Order","namespace":"store","fields":[` + id + `]}`,
		want: avro.NotInPlace,
		changes: []avro.Change{{
			What: "shop.Order became store.Order", Backward: "written in the namespace shop, read in store, and no alias tells the reader",
			Forward: "written in the namespace store, read in shop, and no alias tells the reader",
		}},
		laxRegistry: true,
	},
	{
		name: "a record in another namespace with an alias", older: record(id),
		newer: `{"type":"record","name":"Order","namespace":"store","aliases":["shop.Order"],"fields":[` + id + `]}`, want: avro.ConsumersFirst,
		changes: []avro.Change{{
			What: "shop.Order became store.Order", Forward: "written in the namespace store, read in shop, and no alias tells the reader",
		}},
		laxRegistry: true,
	},
	{
		name: "a fixed of another size", older: typed(`{"type":"fixed","name":"F","size":4}`), newer: typed(`{"type":"fixed","name":"F","size":8}`),
		want: avro.NotInPlace,
		changes: []avro.Change{{
			Path: "a", What: "shop.F of 4 bytes became shop.F of 8 bytes",
			Backward: "written with 4 bytes, read with 8", Forward: "written with 8 bytes, read with 4",
		}},
	},
	{
		name: "deep inside", older: typed(`{"type":"map","values":{"type":"array","items":["null",` + address + `]}}`),
		newer: typed(`{"type":"map","values":{"type":"array","items":["null",` + located + `]}}`), want: avro.ProducersFirst,
		changes: []avro.Change{{
			Path: "a[][].country", What: "added with no default", Backward: "it was not written and has no default",
		}},
	},
	{
		name:  "a type that holds itself",
		older: record(`{"name":"next","type":["null","Order"],"default":null},{"name":"n","type":"int"}`),
		newer: record(`{"name":"next","type":["null","Order"],"default":null},{"name":"n","type":"long"}`), want: avro.ConsumersFirst,
		changes: []avro.Change{{Path: "n", What: "int became long", Forward: "long cannot be read as int"}},
	},
	{
		name: "an array to a map", older: `{"type":"array","items":"int"}`, newer: `{"type":"map","values":"int"}`, want: avro.NotInPlace,
		changes: []avro.Change{{
			What: "array<int> became map<int>", Backward: "array<int> cannot be read as map<int>", Forward: "map<int> cannot be read as array<int>",
		}},
	},
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, c := range schemaPairs {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := avro.Compare(c.older, c.newer)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.changes, got.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if got.Rollout() != c.want {
				t.Errorf("roll-out %s, want %s", got.Rollout(), c.want)
			}
		})
	}
}

func TestCompareIsNeverLaxerThanTheDecoder(t *testing.T) {
	t.Parallel()
	refused := 0
	for _, a := range schemaPairs {
		for _, b := range schemaPairs {
			for _, newer := range []string{a.newer, b.newer} {
				d, err := avro.Compare(a.older, newer)
				if err != nil {
					t.Fatal(err)
				}
				w, r := twmb.MustParse(a.older), twmb.MustParse(newer)
				if err := twmb.CheckCompatibility(w, r); err != nil {
					refused++
					if d.Backward() {
						t.Errorf("%s\n%s\nbackward although %v", a.older, newer, err)
					}
				}
				if err := twmb.CheckCompatibility(r, w); err != nil && d.Forward() {
					t.Errorf("%s\n%s\nforward although %v", a.older, newer, err)
				}
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d pairs were refused by the decoder", refused)
	}
}

func TestCompareNamesTheSchemaThatIsNone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ older, newer, want string }{
		{"{", record(id), "older schema: schema is not JSON"},
		{record(id), `{"type":"array","items":"null"}`, "newer schema: schema refused"},
	} {
		_, err := avro.Compare(c.older, c.newer)
		if err == nil || !cmp.Equal(err.Error()[:len(c.want)], c.want) {
			t.Errorf("got %v, want %s…", err, c.want)
		}
	}
}

func TestDifferenceTellsTheStory(t *testing.T) {
	t.Parallel()
	d, err := avro.Compare(typed(`"int"`), record(`{"name":"a","type":"long"},{"name":"b","type":"int","default":0}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `a: int became long
  old readers cannot read new data: long cannot be read as int
b: added with default 0
roll-out: consumers first: roll out all consumers, then the producers; older consumers must be gone before the first new message`
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Error(diff)
	}
	if none, _ := avro.Compare(record(id), record(id)); none.String() != "" {
		t.Errorf("no change reads %q", none)
	}
}

func TestDifferenceMeetsLevels(t *testing.T) {
	t.Parallel()
	both := []string{"BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE", "NONE"}
	for name, c := range map[string]struct {
		older, newer string
		want         []string
	}{
		"both":     {record(id), record(id), both},
		"backward": {typed(`"int"`), typed(`"long"`), []string{"BACKWARD", "BACKWARD_TRANSITIVE", "NONE"}},
		"forward":  {typed(`"long"`), typed(`"int"`), []string{"FORWARD", "FORWARD_TRANSITIVE", "NONE"}},
		"neither":  {typed(`"string"`), typed(`"int"`), []string{"NONE"}},
	} {
		d, err := avro.Compare(c.older, c.newer)
		if err != nil {
			t.Fatal(err)
		}
		var met []string
		for _, level := range both {
			if d.Meets(level) {
				met = append(met, level)
			}
		}
		if diff := cmp.Diff(c.want, met); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
