package avro

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bomb is a record that holds the one before it twice, n times over.
func bomb(n int) string {
	text := `{"type":"record","name":"R0","fields":[]}`
	for i := 1; i <= n; i++ {
		text = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":%s},{"name":"b","type":"R%d"}]}`, i, text, i-1)
	}
	return text
}

func nest(n int) string {
	return strings.Repeat(`{"type":"array","items":`, n) + `"int"` + strings.Repeat("}", n)
}

func fields(n int, typ string) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"name":"f%d","type":%s}`, i, typ))
	}
	return strings.Join(list, ",")
}

func TestGuardRefuses(t *testing.T) {
	t.Parallel()
	record := func(name, fields string) string {
		return `{"type":"record","name":"` + name + `","fields":[` + fields + `]}`
	}
	for name, c := range map[string]struct{ schema, want string }{
		"no JSON":                      {`{`, "not JSON"},
		"a key twice":                  {`{"type":"int","type":"long"}`, "not JSON"},
		"a number":                     {`5`, "no schema"},
		"a long text":                  {`"` + strings.Repeat("x", 257<<10) + `"`, "limit"},
		"deep nesting":                 {nest(65), "nested deeper"},
		"very deep nesting":            {nest(3000), "nested deeper"},
		"deep by reference":            {`[` + chain(70) + `]`, "nested deeper"},
		"a tree of 2^20 nodes":         {bomb(20), "10000 nodes"},
		"a tree of 2^60 nodes":         {bomb(60), "10000 nodes"},
		"a tree in forward references": {forwardBomb(40), "10000 nodes"},
		"array of null":                {`{"type":"array","items":"null"}`, "without bytes"},
		"array of arrays of null":      {`{"type":"array","items":{"type":"array","items":"null"}}`, "without bytes"},
		"array of empty records":       {`{"type":"array","items":` + record("E", "") + `}`, "without bytes"},
		"array of fixed(0)":            {`{"type":"array","items":{"type":"fixed","name":"F","size":0}}`, "without bytes"},
		"array of wrapped null":        {`{"type":"array","items":{"type":{"type":"null"}}}`, "without bytes"},
		"array of a record of nothing": {`{"type":"array","items":` + record("A", fields(3, `"null"`)) + `}`, "without bytes"},
		"array of much nothing":        {`{"type":"array","items":` + record("A", `{"name":"i","type":"int"},`+fields(100, `"null"`)) + `}`, "values without bytes"},
		"map of much nothing":          {`{"type":"map","values":` + record("A", fields(100, `"null"`)) + `}`, "values without bytes"},
		"nothing in a union":           {`{"type":"map","values":["null",` + record("A", fields(100, `"null"`)) + `]}`, "values without bytes"},
		"large fixed":                  {`{"type":"fixed","name":"F","size":1048577}`, "limit"},
		"fixed beyond numbers":         {`{"type":"fixed","name":"F","size":1e300}`, "limit"},
		"negative fixed":               {`{"type":"fixed","name":"F","size":-1}`, "limit"},
		"record in itself":             {record("A", `{"name":"a","type":"A"}`), "contains itself"},
		"record in itself at a remove": {record("A", `{"name":"b","type":`+record("B", `{"name":"a","type":"A"}`)+`}`), "contains itself"},
		"undefined":                    {record("A", `{"name":"a","type":"B"}`), "not defined"},
		"defined twice":                {`[` + record("A", "") + `,` + record("A", "") + `]`, "defined twice"},
		"no name":                      {`{"type":"enum","symbols":["A"]}`, "no name"},
		"no fields":                    {`{"type":"record","name":"A"}`, "no fields"},
		"a field that is none":         {record("A", "3"), "no field"},
		"no items":                     {`{"type":"array"}`, "no schema"},
		"flat array of nothing":        {record("A", `{"name":"a","type":"array","items":"null"}`), "without bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compile(c.schema)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q, got: %v", c.want, err)
			}
		})
	}
}

// chain is a row of records, each holding the one before it.
func chain(n int) string {
	list := []string{`{"type":"record","name":"R0","fields":[{"name":"a","type":"int"}]}`}
	for i := 1; i < n; i++ {
		list = append(list, fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":"R%d"}]}`, i, i-1))
	}
	return strings.Join(list, ",")
}

// forwardBomb names types before their definition.
func forwardBomb(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":"R%d"},{"name":"b","type":"R%d"}]}`, i, i+1, i+1))
	}
	list = append(list, fmt.Sprintf(`{"type":"record","name":"R%d","fields":[]}`, n))
	return `[` + strings.Join(list, ",") + `]`
}

func TestGuardTakesWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"primitive":            `"string"`,
		"Java string":          `{"type":"array","items":{"type":"string","avro.java.string":"String"}}`,
		"list of itself":       `{"type":"record","name":"L","namespace":"x.y","fields":[{"name":"next","type":["null","L"]},{"name":"all","type":{"type":"array","items":"x.y.L"}}]}`,
		"nullable items":       `{"type":"array","items":["null","int"]}`,
		"map of null":          `{"type":"map","values":"null"}`,
		"a null field":         `{"type":"record","name":"A","fields":[{"name":"n","type":"null"}]}`,
		"nested 60 deep":       nest(60),
		"8,000 fields":         `{"type":"record","name":"A","fields":[` + fields(8000, `"int"`) + `]}`,
		"a megabyte of fixed":  `{"type":"fixed","name":"F","size":1048576}`,
		"names in namespaces":  `{"type":"record","name":"a.A","fields":[{"name":"b","type":{"type":"enum","name":"B","symbols":["X"]}},{"name":"c","type":"B"},{"name":"d","type":"a.B"}]}`,
		"decimal":              `{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`,
		"type beside the name": `{"type":"record","name":"A","fields":[{"name":"e","type":"enum","symbols":["X"]}]}`,
	} {
		if _, err := compile(schema); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGuardCountsAcrossReferences(t *testing.T) {
	t.Parallel()
	texts := []string{`{"type":"record","name":"R0","fields":[{"name":"a","type":"int"}]}`}
	for i := 1; i < 30; i++ {
		texts = append(texts, fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":"R%d"},{"name":"b","type":"R%d"}]}`, i, i-1, i-1))
	}
	if _, err := compile(texts[:5]...); err != nil {
		t.Error(err)
	}
	if _, err := compile(texts...); err == nil || !strings.Contains(err.Error(), "10000 nodes") {
		t.Errorf("got: %v", err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := newCache[int, int](3)
	for i := range 100 {
		c.get(0)
		c.put(i, -i)
	}
	if len(c.items) != 3 || len(c.ring) != 3 {
		t.Errorf("%d items, %d in the ring", len(c.items), len(c.ring))
	}
	if v, ok := c.get(99); !ok || v != -99 {
		t.Error("the last one is gone")
	}
	if _, ok := c.get(0); !ok {
		t.Error("the one in use is gone")
	}
	if got := c.put(99, 5); got != -99 {
		t.Error("the second put won")
	}
	c.set(99, 5)
	if got, _ := c.get(99); got != 5 {
		t.Error("set did not replace")
	}
}

func TestAbsencesAreBounded(t *testing.T) {
	t.Parallel()
	var a absences
	for i := range maxAbsent + 100 {
		_ = a.note(schemaKey{id: uint32(i)}, errMalformed)
	}
	if len(a.seen) != maxAbsent {
		t.Errorf("%d kept", len(a.seen))
	}
}

func TestOrderAsksTheLastGoodFirstAndTheFailedLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &registry{nodes: []*node{{}, {}, {}, {}}}
		want := func(why string, order ...int) {
			t.Helper()
			if got := r.order(); !slices.Equal(got, order) {
				t.Errorf("%s: got %v, want %v", why, got, order)
			}
		}
		want("at first", 0, 1, 2, 3)
		r.nodes[0].failed.Store(time.Now().UnixNano())
		want("the first failed", 1, 2, 3, 0)
		r.good.Store(2)
		want("the third answered", 2, 3, 1, 0)
		r.nodes[3].failed.Store(time.Now().UnixNano())
		want("the fourth failed", 2, 1, 3, 0)
		<-time.After(coolDown)
		want("after the cool-down", 2, 3, 0, 1)
	})
}
