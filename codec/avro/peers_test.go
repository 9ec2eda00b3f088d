package avro_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec/avro"
	vectors "github.com/leat-go/leat/codec/internal/golden"
	"github.com/leat-go/leat/internal/testservers"
)

// Others read our bytes, and we read theirs.

const frame = 10 // 00 and the id in hex

type peerCase struct {
	Schema any    `json:"schema"`
	Body   string `json:"body"`
}

type peerAnswer struct {
	Value any    `json:"value"`
	Body  string `json:"body"`
}

func TestFastavro(t *testing.T) {
	t.Parallel()
	python := os.Getenv("LEAT_TEST_PYTHON")
	if python == "" {
		missingPeer(t, "LEAT_TEST_PYTHON is not set: it names a Python with fastavro")
	}
	answers := askPeer(t, python, filepath.Join("testdata", "peers", "fastavro_peer.py"))
	for i, v := range vectors.Vectors() {
		if diff := cmp.Diff(readVector(t, v).Value, answers[i].Value); diff != "" {
			t.Errorf("%s: fastavro reads something else:\n%s", v.Name, diff)
		}
		readsPeer(t, v, answers[i])
	}
}

func TestAvsc(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("LEAT_TEST_NODE")
	if folder == "" {
		t.Skip("LEAT_TEST_NODE is not set: it names a folder with node_modules/avsc")
	}
	answers := askPeer(t, "node", filepath.Join("testdata", "peers", "avsc_peer.js"), folder)
	for i, v := range vectors.Vectors() {
		readsPeer(t, v, answers[i])
	}
}

// missingPeer skips the test, but not where everything has to be there.
func missingPeer(t *testing.T, why string) {
	t.Helper()
	if testservers.RequireReal() {
		t.Fatal(why)
	}
	t.Skip(why)
}

// askPeer has a program read and write all vectors.
func askPeer(t *testing.T, program string, args ...string) []peerAnswer {
	t.Helper()
	var cases []peerCase
	for _, v := range vectors.Vectors() {
		f := readVector(t, v)
		cases = append(cases, peerCase{f.Schema, f.Confluent[frame:]})
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	var answers []peerAnswer
	if err := json.Unmarshal(runPeer(t, input, program, args...), &answers); err != nil || len(answers) != len(cases) {
		t.Fatalf("%d answers to %d questions: %v", len(answers), len(cases), err)
	}
	return answers
}

func runPeer(t *testing.T, input []byte, program string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, stderr.String())
	}
	return out
}

func readsPeer(t *testing.T, v vectors.Vector, answer peerAnswer) {
	t.Helper()
	c := newCodec(t, avro.Config{})
	if err := c.Check(vectorSubject(v)); err != nil {
		t.Fatal(err)
	}
	head := unhex(t, readVector(t, v).Single)[:10]
	message := slices.Concat(head, unhex(t, answer.Body))
	into := reflect.New(reflect.TypeOf(v.Value))
	if err := c.Decode(t.Context(), message, nil, into.Interface()); err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	if diff := cmp.Diff(v.Value, into.Elem().Interface(), cmp.Comparer(sameRat)); diff != "" {
		t.Errorf("%s: what the other wrote is something else:\n%s", v.Name, diff)
	}
}
