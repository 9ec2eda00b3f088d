package avrocheck

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/twmb/franz-go/pkg/sr"
)

// behind asks the registry behind the check, with the credentials of the request that is checked.
type behind struct {
	registry http.Handler
	req      *http.Request
}

// get decodes the answer to a GET into v and reports whether there was one.
func (b behind) get(path string, v any) bool {
	status, body := b.ask(http.MethodGet, path, nil)
	return status == http.StatusOK && json.Unmarshal(body, v) == nil
}

func (b behind) ask(method, path string, body []byte) (int, []byte) {
	req, err := http.NewRequestWithContext(b.req.Context(), method, "http://registry"+path, bytes.NewReader(body)) //nolint:gosec // it goes to a handler, not to a host
	if err != nil {
		return http.StatusBadRequest, nil
	}
	req.Header = b.req.Header.Clone()
	rec := &recorder{status: http.StatusOK, header: http.Header{}}
	b.registry.ServeHTTP(rec, req)
	return rec.status, rec.body.Bytes()
}

func (b behind) level(subject string) sr.CompatibilityLevel {
	var answer struct {
		Level sr.CompatibilityLevel `json:"compatibilityLevel"`
	}
	if !b.get("/config/"+url.PathEscape(subject), &answer) {
		return sr.CompatBackward
	}
	return answer.Level
}

// versions returns the versions of a subject, oldest first, none when there is no such subject.
func (b behind) versions(subject string) []int {
	var list []int
	b.get("/subjects/"+url.PathEscape(subject)+"/versions", &list)
	return list
}

func (b behind) schema(subject, version string) (sr.Schema, bool) {
	var s sr.SubjectSchema
	ok := b.get("/subjects/"+url.PathEscape(subject)+"/versions/"+version, &s)
	return s.Schema, ok
}

func (b behind) reference(r sr.SchemaReference) (sr.Schema, bool) {
	return b.schema(r.Subject, strconv.Itoa(r.Version))
}

// recorder keeps an answer.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
