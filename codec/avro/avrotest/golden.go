package avrotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
	"github.com/leat-go/leat/topics"
)

// Topic is a declared topic: a topics.Event, topics.Command or topics.State.
type Topic interface{ Spec() topics.Spec }

// Golden compares the schema of each topic's type with the file <dir>/<topic>.avsc and fails
// the test when it changed, saying what changed and in which order services can take it over.
// Topics whose Format is JSON or Raw are left out; a call that names no others fails.
func Golden(t testing.TB, dir string, ts ...Topic) {
	t.Helper()
	specs := make([]topics.Spec, len(ts))
	for i, topic := range ts {
		specs[i] = topic.Spec()
	}
	Files{Dir: dir}.Check(t, specs...)
}

// Files are golden schemas, one file <topic>.avsc for each topic, and one file
// <topic>-<type>.avsc for each type of a topic that carries several.
type Files struct {
	// Dir holds the files.
	Dir string
	// DefaultNamespace of records where neither type nor topic name one; the setting
	// avro.default_namespace of the service. Default: avro.DefaultNamespace.
	DefaultNamespace string
	// Schemas given for Go types, as in avro.Config. Default: none, all are derived.
	Schemas map[reflect.Type]string
}

// Check is [Golden] for topics as a router or a service lists them:
//
//	avrotest.Files{Dir: "schemas"}.Check(t, r.Topics()...)
func (f Files) Check(t testing.TB, specs ...topics.Spec) {
	t.Helper()
	schemas, err := avro.New(avro.Config{DefaultNamespace: f.DefaultNamespace, Schemas: f.Schemas})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, s := range eachType(specs) {
		if !encoded(s) {
			continue
		}
		checked++
		if err := f.check(t, schemas, s); err != nil {
			t.Error(err)
		}
	}
	if checked == 0 {
		t.Errorf("no topic with Avro schemas among %d: name the topics, or give them Format: topics.Avro", len(specs))
	}
}

// eachType is a topic for each type.
func eachType(specs []topics.Spec) (each []topics.Spec) {
	for _, s := range specs {
		each = append(each, s.Each()...)
	}
	return each
}

// encoded tells whether the values of a topic have a schema of their own.
func encoded(s topics.Spec) bool {
	return (s.Format == "" || s.Format == topics.Avro) && s.Type != nil && s.Type.Kind() != reflect.Map
}

func (f Files) check(t testing.TB, schemas *avro.Codec, s topics.Spec) error {
	t.Helper()
	text, err := schemas.Schema(codec.Subject{Topic: s.Name, Type: s.Type, Namespace: s.Namespace, Several: len(s.Cases) > 0})
	if err != nil {
		return err
	}
	file := filepath.Join(f.Dir, s.SchemaFile())
	was, err := os.ReadFile(file) //nolint:gosec // the test says which folder
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return err
	}
	story, err := changed(file, string(was), text, missing)
	if err != nil || story == "" || !updating() {
		return failure(file, story, err)
	}
	t.Log(story)
	return write(file, text)
}

// changed tells what became of the schema in the file, "" when it is the same.
func changed(file, was, is string, missing bool) (string, error) {
	if missing {
		return "there is no " + file, nil
	}
	d, err := avro.Compare(was, is)
	if err != nil && !updating() {
		return "", err
	}
	if err != nil || len(d.Changes) == 0 {
		return textOf(err), nil
	}
	return "the schema changed against " + file + ":\n" + d.String(), nil
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

const remedy = "\nwrite the file with LEAT_UPDATE=1 go test, and check it in"

func failure(file, story string, err error) error {
	switch {
	case err != nil:
		return errors.New(file + ": " + err.Error())
	case story != "":
		return errors.New(story + remedy)
	}
	return nil
}

// updating looks for the flag of the package under test: a flag of our own would clash with it.
func updating() bool {
	on := os.Getenv("LEAT_UPDATE")
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		on = "true"
	}
	yes, err := strconv.ParseBool(strings.ToLower(on))
	return err == nil && yes
}

func write(file, text string) error {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644) //nolint:gosec // a source file, for everybody to read
}
