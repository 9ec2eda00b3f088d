package avro_test

import (
	"os"
	"strings"
	"testing"

	"github.com/leat-go/leat/codec/avro"
)

// pageChanges are the rows of the table of changes in docs/how-to/schemas.md, each with schemas
// before and after it.
var pageChanges = map[string][][2]string{
	"a new field with a default (`avro:\"plan,default=free\"`), or a pointer": {
		{record(id), record(id + `,{"name":"plan","type":"string","default":"free"}`)},
		{record(id), record(id + `,{"name":"plan","type":["null","string"],"default":null}`)},
	},
	"a new field without one":          {{record(id), record(id + `,{"name":"plan","type":"string"}`)}},
	"a field with a default removed":   {{record(id + `,{"name":"plan","type":"string","default":"free"}`), record(id)}},
	"a field without one removed":      {{record(id + `,{"name":"plan","type":"string"}`), record(id)}},
	"a field renamed with `alias=old`": {{typed(`"int"`), record(`{"name":"b","aliases":["a"],"type":"int"}`)}},
	"a field renamed":                  {{typed(`"int"`), record(`{"name":"b","type":"int"}`)}},
	"`string` to `bytes` and back":     {{typed(`"string"`), typed(`"bytes"`)}, {typed(`"bytes"`), typed(`"string"`)}},
	"`T` to `*T`":                      {{typed(`"string"`), record(`{"name":"a","type":["null","string"],"default":null}`)}},
	"a symbol added to an enum with a default": {
		{typed(safe), typed(`{"type":"enum","name":"Plan","symbols":["UNKNOWN","FREE","PRO"],"default":"UNKNOWN"}`)},
	},
	"a symbol added to an enum without one":           {{typed(small), typed(large)}},
	"a symbol removed from an enum without a default": {{typed(large), typed(small)}},
	"`int` to `long`, `float` or `double`; `long` to `float` or `double`; `float` to `double`": {
		{typed(`"int"`), typed(`"long"`)},
		{typed(`"int"`), typed(`"float"`)},
		{typed(`"int"`), typed(`"double"`)},
		{typed(`"long"`), typed(`"float"`)},
		{typed(`"long"`), typed(`"double"`)},
		{typed(`"float"`), typed(`"double"`)},
	},
	"a record, enum or fixed renamed or moved with `type-alias=Old`": {
		{typed(address), typed(`{"type":"record","name":"Place","aliases":["Address"],"fields":[{"name":"zip","type":"string"}]}`)},
		{typed(small), typed(`{"type":"enum","name":"Tariff","aliases":["Plan"],"symbols":["FREE","PRO"]}`)},
		{typed(`{"type":"fixed","name":"F","size":4}`), typed(`{"type":"fixed","name":"G","aliases":["F"],"size":4}`)},
		{typed(address), typed(`{"type":"record","name":"Address","namespace":"geo","aliases":["shop.Address"],"fields":[{"name":"zip","type":"string"}]}`)},
	},
	"another unit, precision or scale, a logical type added or removed": {
		{typed(`{"type":"long","logicalType":"timestamp-millis"}`), typed(`{"type":"long","logicalType":"timestamp-micros"}`)},
		{typed(`{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`), typed(`{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}`)},
		{typed(`{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`), typed(`{"type":"bytes","logicalType":"decimal","precision":10,"scale":3}`)},
		{typed(`"long"`), typed(`{"type":"long","logicalType":"timestamp-millis"}`)},
		{typed(`{"type":"long","logicalType":"timestamp-millis"}`), typed(`"long"`)},
	},
}

// Every row of the page says what Compare says.
func TestThePageOfChangesIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/how-to/schemas.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| change | backward | forward | roll-out |\n|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	if len(rows) != len(pageChanges) {
		t.Errorf("%d rows on the page, %d here", len(rows), len(pageChanges))
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		pairs := pageChanges[cells[0]]
		if len(pairs) == 0 {
			t.Errorf("nothing shows: %s", cells[0])
		}
		for _, pair := range pairs {
			d, err := avro.Compare(pair[0], pair[1])
			if err != nil {
				t.Fatal(err)
			}
			rollout := strings.Replace(string(d.Rollout()), "not possible in place", "not in place", 1)
			if yes(d.Backward()) != cells[1] || yes(d.Forward()) != cells[2] || !strings.HasPrefix(cells[3], rollout) {
				t.Errorf("the page says %q of\n%s\n%s\nCompare says %s", cells, pair[0], pair[1], d)
			}
		}
	}
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
