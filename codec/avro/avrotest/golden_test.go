package avrotest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec/avro/avrotest"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

type Order struct {
	ID     string  `avro:"id"`
	Amount int64   `avro:"amount"`
	Note   *string `avro:"note"`
}

type Receipt struct {
	Order string `avro:"order"`
}

var (
	Orders   = topics.Event[Order]{Name: "orders", Format: topics.Avro}
	Receipts = topics.Command[Receipt]{Name: "receipts", Namespace: "billing"}
	Clicks   = topics.Event[Order]{Name: "clicks", Format: topics.JSON}
)

func TestSchemas(t *testing.T) {
	t.Parallel()
	avrotest.Golden(t, "testdata", Orders, Receipts)
}

// report keeps what a test helper says instead of failing.
type report struct {
	testing.TB

	said []string
}

func (*report) Helper()                        {}
func (r *report) Error(args ...any)            { r.said = append(r.said, fmt.Sprint(args...)) }
func (r *report) Fatal(args ...any)            { r.Error(args...) }
func (r *report) Log(args ...any)              { r.said = append(r.said, "log: "+fmt.Sprint(args...)) }
func (r *report) text() string                 { return strings.Join(r.said, "\n") }
func (r *report) Errorf(f string, args ...any) { r.said = append(r.said, fmt.Sprintf(f, args...)) }

func said(f func(testing.TB)) string {
	r := &report{}
	f(r)
	return r.text()
}

func TestGoldenExplainsWhatChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "orders", `{"type":"record","name":"Order","namespace":"com.core.events","fields":[
		{"name":"id","type":"string"},{"name":"amount","type":"int"}]}`)
	file := filepath.Join(dir, "orders.avsc")
	want := "the schema changed against " + file + `:
amount: int became long
  old readers cannot read new data: long cannot be read as int
note: added with default null
roll-out: consumers first: roll out all consumers, then the producers; older consumers must be gone before the first new message
write the file with LEAT_UPDATE=1 go test, and check it in`
	if diff := cmp.Diff(want, said(func(t testing.TB) { t.Helper(); avrotest.Golden(t, dir, Orders) })); diff != "" {
		t.Error(diff)
	}
}

func put(t *testing.T, dir, topic, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, topic+".avsc"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestGoldenMissesFilesAndTopics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		topic avrotest.Topic
		want  string
	}{
		"no file":   {Receipts, "there is no " + filepath.Join(dir, "receipts.avsc") + "\nwrite the file with LEAT_UPDATE=1"},
		"no schema": {topics.Event[chan int]{Name: "pipes"}, "topic pipes: "},
		"no avro":   {Clicks, "no topic with Avro schemas among 1"},
		"not JSON":  {topics.Event[Receipt]{Name: "broken"}, "older schema: schema is not JSON"},
	} {
		put(t, dir, "broken", "{")
		if got := said(func(t testing.TB) { t.Helper(); avrotest.Golden(t, dir, c.topic) }); !strings.Contains(got, c.want) {
			t.Errorf("%s: said %q, want %q", name, got, c.want)
		}
	}
}

func TestUpdateWritesFilesAndTellsWhatChanged(t *testing.T) {
	t.Setenv("LEAT_UPDATE", "1")
	dir := filepath.Join(t.TempDir(), "schemas")
	check := func(t testing.TB) { t.Helper(); avrotest.Golden(t, dir, Receipts) }
	if got := said(check); got != "log: there is no "+filepath.Join(dir, "receipts.avsc") {
		t.Errorf("first: said %q", got)
	}
	for _, old := range []string{`{"type":"record","name":"Receipt","namespace":"billing","fields":[]}`, "{"} {
		put(t, dir, "receipts", old)
		if got := said(check); !strings.HasPrefix(got, "log: ") {
			t.Errorf("update of %s: said %q", old, got)
		}
		t.Setenv("LEAT_UPDATE", "0")
		if got := said(check); got != "" {
			t.Errorf("after the update: said %q", got)
		}
		t.Setenv("LEAT_UPDATE", "1")
	}
}

func TestFilesOfARouter(t *testing.T) {
	dir := t.TempDir()
	r := router.New(nil)
	router.Consume(r, Clicks, func(context.Context, Order) error { return nil })
	router.Consume(r, Orders, func(context.Context, Order) error { return nil })
	files := avrotest.Files{Dir: dir, DefaultNamespace: "shop"}
	t.Setenv("LEAT_UPDATE", "true")
	files.Check(t, r.Topics()...)
	t.Setenv("LEAT_UPDATE", "")
	files.Check(t, r.Topics()...)
	written, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(written) != 1 {
		t.Fatalf("files %v, %v: want that of the Avro topic alone", written, err)
	}
	text, _ := os.ReadFile(written[0])
	if !strings.Contains(string(text), `"namespace": "shop"`) {
		t.Errorf("%s", text)
	}
}
