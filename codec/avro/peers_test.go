package avro_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/codec"
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

// unknownToFastavro are vectors whose logical types fastavro does not know: it gives numbers and bytes, and writes them as they were.
var unknownToFastavro = []string{"nanos", "spans"}

func TestFastavro(t *testing.T) {
	t.Parallel()
	answers := askPeer(t, python(t), filepath.Join("testdata", "peers", "fastavro_peer.py"))
	for i, v := range vectors.Vectors() {
		if diff := cmp.Diff(readVector(t, v).Value, answers[i].Value); diff != "" && !slices.Contains(unknownToFastavro, v.Name) {
			t.Errorf("%s: fastavro reads something else:\n%s", v.Name, diff)
		}
		readsPeer(t, v, answers[i])
	}
}

func TestAvsc(t *testing.T) {
	t.Parallel()
	answers := askPeer(t, "node", filepath.Join("testdata", "peers", "avsc_peer.js"), node(t))
	for i, v := range vectors.Vectors() {
		readsPeer(t, v, answers[i])
	}
}

// TestFastavroWithARegistry has schemas looked up by the id in the message.
func TestFastavroWithARegistry(t *testing.T) {
	t.Parallel()
	program, url := python(t), testservers.RegistryFor(t).URL
	passOn(t, vectors.Vectors(), url, program, filepath.Join("testdata", "peers", "registry_peer.py"), url)
}

// TestConfluentWithARegistry is about Confluent's own client for JavaScript. It has no way to read a long of a logical
// type whole, and refuses today's nanoseconds: they are too large for a number of JavaScript.
func TestConfluentWithARegistry(t *testing.T) {
	t.Parallel()
	folder, url := node(t), testservers.RegistryFor(t).URL
	all := slices.DeleteFunc(vectors.Vectors(), func(v vectors.Vector) bool { return v.Name == "nanos" })
	passOn(t, all, url, "node", filepath.Join("testdata", "peers", "registry_peer.js"), folder, url)
}

// TestAvroForJavaWithARegistry has Apache Avro parse every schema, and read and write every value.
func TestAvroForJavaWithARegistry(t *testing.T) {
	t.Parallel()
	url := testservers.RegistryFor(t).URL
	program, args := javaPeer(t, url)
	passOn(t, vectors.Vectors(), url, program, args...)
}

func javaPeer(t *testing.T, url string) (program string, args []string) {
	t.Helper()
	program, classPath, err := testservers.AvroForJava(t.Context())
	switch {
	case errors.Is(err, testservers.ErrUnavailable):
		missingPeer(t, err.Error())
	case err != nil:
		t.Fatal(err)
	}
	return program, []string{"-cp", classPath, filepath.Join("testdata", "peers", "RegistryPeer.java"), url}
}

func python(t *testing.T) string {
	t.Helper()
	return peerFrom(t, "LEAT_TEST_PYTHON", "a Python with fastavro")
}

func node(t *testing.T) string {
	t.Helper()
	return peerFrom(t, "LEAT_TEST_NODE", "a folder whose node_modules have avsc and @confluentinc/schemaregistry")
}

func peerFrom(t *testing.T, variable, what string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		missingPeer(t, variable+" is not set: it names "+what)
	}
	return value
}

type passed struct {
	Topic   string `json:"topic"`
	Message string `json:"message"`
	Key     bool   `json:"key"`
	Value   any    `json:"value,omitempty"` // what the other has read of a key
}

// TestKeysOfOthers has a string key read and written by clients that are not ours. They give the
// same bytes, and so the same partition.
func TestKeysOfOthers(t *testing.T) {
	t.Parallel()
	url := testservers.RegistryFor(t).URL
	for name, ask := range map[string]func(t *testing.T, input []byte) []byte{
		"fastavro": func(t *testing.T, input []byte) []byte {
			t.Helper()
			return runPeer(t, input, python(t), filepath.Join("testdata", "peers", "registry_peer.py"), url)
		},
		"java": func(t *testing.T, input []byte) []byte {
			t.Helper()
			program, args := javaPeer(t, url)
			return runPeer(t, input, program, args...)
		},
		"confluent": func(t *testing.T, input []byte) []byte {
			t.Helper()
			return runPeer(t, input, "node", filepath.Join("testdata", "peers", "registry_peer.js"), node(t), url)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := contractCodec(t, url, true)
			for _, key := range []string{"customer-7", "ключ", "x"} {
				topic := freshTopic[codec.Key]().Topic
				ours := hex.EncodeToString(encodeKey(t, c, topic, key))
				input, err := json.Marshal([]passed{{Topic: topic, Message: ours, Key: true}})
				if err != nil {
					t.Fatal(err)
				}
				var got []passed
				if err := json.Unmarshal(ask(t, input), &got); err != nil || len(got) != 1 || got[0].Value != key || got[0].Message != ours {
					t.Errorf("%q as %s came back as %+v, %v", key, ours, got, err)
				}
			}
		})
	}
}

// passOn publishes the vectors, has a program read and write it again, and reads that.
func passOn(t *testing.T, all []vectors.Vector, url, program string, args ...string) {
	t.Helper()
	c := contractCodec(t, url, true)
	sent, got := make([]passed, len(all)), []passed(nil)
	for i, v := range all {
		s := vectorSubject(v)
		s.Topic = freshTopic[any]().Topic
		sent[i] = passed{Topic: s.Topic, Message: hex.EncodeToString(encodeTo(t, c, s, v.Value))}
	}
	input, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(runPeer(t, input, program, args...), &got); err != nil || len(got) != len(sent) {
		t.Fatalf("%d answers to %d questions: %v", len(got), len(sent), err)
	}
	for i, v := range all {
		wantVector(t, c, v, unhex(t, got[i].Message))
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
