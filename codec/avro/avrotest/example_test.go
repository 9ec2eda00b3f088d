package avrotest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leat-go/leat/codec/avro/avrotest"
)

// A test of a service: it fails when the type of a topic no longer has the schema in
// schemas/<topic>.avsc.
func ExampleGolden() {
	dir, err := os.MkdirTemp("", "schemas")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it
	_ = os.WriteFile(filepath.Join(dir, "receipts.avsc"), []byte(
		`{"type":"record","name":"Receipt","namespace":"billing","fields":[{"name":"order","type":"long"}]}`), 0o600)

	t := printer{dir: dir} // in a service: the *testing.T
	avrotest.Golden(t, dir, Receipts)
	// Output:
	// the schema changed against schemas/receipts.avsc:
	// order: long became string
	//   new readers cannot read old data: long cannot be read as string
	//   old readers cannot read new data: string cannot be read as long
	// roll-out: not possible in place: publish the new type to a topic of its own, let consumers read both, and retire the old topic
	// write the file with LEAT_UPDATE=1 go test, and check it in
}

// printer is a test that prints its failures.
type printer struct {
	testing.TB

	dir string
}

func (printer) Helper() {}

func (p printer) Error(args ...any) {
	fmt.Println(strings.ReplaceAll(fmt.Sprint(args...), p.dir, "schemas"))
}
