package avro_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/codec"
	"github.com/leat-go/leat/codec/avro"
)

// Note holds nothing but texts, numbers and times.
type Note struct {
	Title string    `avro:"title"`
	Pages int64     `avro:"pages"`
	Text  string    `avro:"text"`
	At    time.Time `avro:"at"`
}

// A byte that is no text is found at every place of a text of every length, and no fine text
// is refused.
func TestTextOfEveryLength(t *testing.T) {
	t.Parallel()
	c := newCodec(t, avro.Config{})
	for n := range 40 {
		fine := strings.Repeat("x", n)
		roundTrip(t, c, Note{Title: fine, Text: "é" + fine + "é", Pages: 1 << 40, At: ada.CreatedAt})
		roundTrip(t, c, Box[[]string]{V: []string{fine, "é" + fine, fine + "é"}})
		for at := range n {
			bad := fine[:at] + "\xff" + fine[at+1:]
			wantRefused(t, c, "a field", Note{Title: bad}, Note{Text: bad}, &Note{Text: bad}, Box[[]string]{V: []string{bad}},
				Box[map[string]string]{V: map[string]string{bad: ""}}, Box[map[string]string]{V: map[string]string{"": bad}},
				Box[*string]{V: &bad})
			wantNoteRefused(t, c, fine, bad)
		}
	}
}

func wantRefused(t *testing.T, c *avro.Codec, what string, values ...any) {
	t.Helper()
	for _, v := range values {
		if _, _, err := c.Encode(t.Context(), nil, codec.Subject{Topic: "text"}, v); err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("%s of %q: %v", what, fmt.Sprint(v), err)
		}
	}
}

// wantNoteRefused wants a message refused in which bad stands in place of fine, into every
// kind of target.
func wantNoteRefused(t *testing.T, c *avro.Codec, fine, bad string) {
	t.Helper()
	data := encode(t, c, Note{Pages: 1 << 40, Text: "<" + fine + ">"})
	data = []byte(strings.Replace(string(data), "<"+fine+">", "<"+bad+">", 1))
	pointer := new(Note)
	for _, into := range []any{new(Note), &pointer, &map[string]any{}} {
		if err := c.Decode(t.Context(), data, nil, into); err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("%q into a %T: %v", bad, into, err)
		}
	}
}
