package avro

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
)

const (
	maxAnswer = 300  // bytes of an answer that are shown
	maxReason = 1000 // bytes of one that refuses a schema: it says what is wrong with it
)

// told is what registries say beside the code: message in Confluent's API, detail and causes
// in Apicurio's own.
type told struct {
	Message string  `json:"message"`
	Title   string  `json:"title"`
	Detail  string  `json:"detail"`
	Causes  []cause `json:"causes"`
}

type cause struct {
	Description string `json:"description"`
	Context     string `json:"context"` // a place in the schema
}

// exception is the Java class before the message of one.
var exception = regexp.MustCompile(`^(\w+\.)+\w+(Exception|Error): `)

// reason is what a registry says of its refusal, "" for nothing.
func reason(answer *sr.ResponseError) string {
	var t told
	_ = json.Unmarshal(answer.Raw, &t) // what is no JSON is shown as it is
	if t.Message == "" {
		t.Message = t.Title
	}
	parts := []string{orElse(t.Message, answer.Error())}
	for _, c := range append([]cause{{Description: t.Detail}}, t.Causes...) {
		parts = append(parts, c.text())
	}
	return oneLine(parts)
}

func (c cause) text() string {
	if c.Description == "" || c.Context == "" {
		return c.Description + c.Context
	}
	return c.Description + " at " + c.Context
}

// oneLine leaves out what another part says already.
func oneLine(parts []string) string {
	var out string
	for _, p := range parts {
		p = exception.ReplaceAllString(strings.TrimSpace(p), "")
		switch {
		case p == "" || strings.Contains(out, p):
		case out == "":
			out = p
		default:
			out += "; " + p
		}
	}
	return out
}
