package avro_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/codec/avro"
)

const flood = 200 << 20 // bytes that a registry sends, never held in one piece

var chunk = []byte(strings.Repeat("x", 64<<10))

// pour writes n bytes until nobody reads them any more.
func pour(w io.Writer, n int) {
	for range n / len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// floods writes before and then 200 MB.
func floods(status int, before string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, before)
		pour(w, flood)
	}
}

func squeezed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = io.WriteString(z, `{"schema":"`)
	pour(z, 16<<20)
	_ = z.Close()
}

// raw takes the connection over and lets f write to it.
func raw(f func(w *bufio.Writer)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		f(buffer.Writer)
		_ = buffer.Flush()
		_ = conn.Close()
	}
}

func header(w *bufio.Writer) {
	_, _ = w.WriteString("HTTP/1.1 200 OK\r\nX-Long: ")
	pour(w, flood)
}

func lines(w *bufio.Writer) {
	_, _ = w.WriteString("HTTP/1.1 200 OK\r\n")
	for range 1 << 20 {
		if _, err := w.WriteString("X: y\r\n"); err != nil {
			return
		}
	}
}

func redirect(to string) http.HandlerFunc {
	return http.RedirectHandler(to, http.StatusTemporaryRedirect).ServeHTTP
}

func further(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", r.URL.Path+"/on")
	w.WriteHeader(http.StatusPermanentRedirect)
}

// hostileAnswers say nothing of a message: the registry is at fault.
func hostileAnswers() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"200 MB":                     floods(200, ""),
		"200 MB of a schema":         floods(200, `{"schema":"`),
		"200 MB before the schema":   floods(200, `{"other":"`),
		"200 MB with 404":            floods(404, `{"error_code":40403,"message":"`),
		"200 MB with 500":            floods(500, ""),
		"16 MB in 16 KB of gzip":     squeezed,
		"200 MB of one header":       raw(header),
		"a million headers":          raw(lines),
		"no HTTP":                    raw(func(w *bufio.Writer) { pour(w, 1<<20) }),
		"nothing before it hangs up": raw(func(*bufio.Writer) {}),
		"half of what it announced":  raw(func(w *bufio.Writer) { _, _ = w.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{") }),
		"a negative length":          raw(func(w *bufio.Writer) { _, _ = w.WriteString("HTTP/1.1 200 OK\r\nContent-Length: -9\r\n\r\n{}") }),
		"chunks without an end": raw(func(w *bufio.Writer) {
			_, _ = w.WriteString("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n{")
		}),
		"a redirect to itself":         redirect("/again"),
		"a redirect ever further":      further,
		"a redirect to another host":   redirect("http://192.0.2.1/"),
		"a redirect to a file":         redirect("file:///etc/hostname"),
		"a redirect without a place":   says(307, ""),
		"HTML":                         says(200, "<html>sign in</html>"),
		"{}":                           says(200, "{}"),
		"null":                         says(200, "null"),
		"nothing":                      says(200, ""),
		"204":                          says(204, ""),
		"a list":                       says(200, "[]"),
		"a number for the schema":      says(200, `{"schema":5,"id":"x"}`),
		"an empty schema":              says(200, `{"schema":"","id":0}`),
		"id 2^31":                      says(200, `{"schema":"","id":2147483648}`),
		"id 10^300":                    says(200, `{"schema":"","id":1e300}`),
		"a million brackets":           says(200, strings.Repeat("[", 1_000_000)),
		"a million brackets inside":    says(200, `{"schema":"","references":`+strings.Repeat("[", 1_000_000)),
		"404 of another server":        says(404, "<html>not here</html>"),
		"500 in place of a verdict":    says(500, `{"error_code":40403}`),
		"an error code alone with 302": says(302, `{"error_code":40403}`),
	}
}

func TestHostileRegistryAnswers(t *testing.T) {
	for name, handler := range hostileAnswers() {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			defer server.Close()
			for _, register := range []bool{false, true} {
				c := newCodec(t, avro.Config{URLs: []string{server.URL}, AutoRegister: register})
				wantUnavailable(t, "decode", func() error {
					return c.Decode(t.Context(), unhex(t, adaConfluent), nil, new(map[string]any))
				})
				if strings.Contains(name, "40403") || strings.Contains(name, "404") {
					continue // a lookup's answer that names no schema is a verdict on the schema
				}
				wantUnavailable(t, "encode", func() error {
					_, _, err := c.Encode(t.Context(), nil, subject[UserCreated]("orders"), ada)
					return err
				})
			}
		})
	}
}

func wantUnavailable(t *testing.T, what string, f func() error) {
	t.Helper()
	if err := guarded(t, f); !isUnavailable(err) || len(err.Error()) > 2000 {
		t.Errorf("%s: got %.300v", what, err)
	}
}

// A registry that sends a byte now and then costs no more than the time for one attempt.
func TestHostileRegistryThatDrips(t *testing.T) {
	dripping := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(dripping)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
			<-tick.C
		}
	}))
	defer server.Close()
	c := newCodec(t, avro.Config{URLs: []string{server.URL}})
	wantUnavailable(t, "decode", func() error {
		return c.Decode(t.Context(), unhex(t, adaConfluent), nil, new(UserCreated))
	})
	<-dripping
}

// inBubble runs f in virtual time and within the bounds.
func inBubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	_ = guarded(t, func() error {
		synctest.Test(t, f)
		return nil
	})
}

// A thousand unknown ids a second are asked for once each while they are fresh.
func TestHostileThousandUnknownIDs(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		t.Helper()
		calls := 0
		c := newCodec(t, avro.Config{
			URLs:       []string{"http://a"},
			HTTPClient: &http.Client{Transport: counted{scripted{}, &calls}},
		})
		for range 50 {
			for id := range 1000 {
				message := fmt.Appendf(nil, "\x00\x00\x00%c%c\x0e", 1+id/100, id%100)
				if err := c.Decode(t.Context(), message, nil, new(Blank)); !isUnavailable(err) {
					t.Fatalf("id %d: %v", id, err)
				}
			}
			<-time.After(20 * time.Millisecond)
		}
		if calls != 1000 {
			t.Errorf("%d calls for a thousand unknown ids, fifty times each in a second", calls)
		}
	})
}

// Unknown ids that come all at once wait their turn.
func TestHostileUnknownIDsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		t.Helper()
		var open, most int
		c := newCodec(t, avro.Config{URLs: []string{"http://a"}, HTTPClient: &http.Client{
			Transport: serial{&open, &most, make(chan struct{}, 1)},
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		done := make(chan error)
		for id := range 1000 {
			go func() {
				message := fmt.Appendf(nil, "\x00\x00\x00%c%c\x0e", 1+id/100, id%100)
				done <- c.Decode(ctx, message, nil, new(Blank))
			}()
		}
		for range 1000 {
			if err := <-done; !isUnavailable(err) {
				t.Fatal(err)
			}
		}
		if most > 16 {
			t.Errorf("%d calls at the same time", most)
		}
	})
}

// serial takes a moment for every answer and counts those that wait for one.
type serial struct {
	open, most *int
	lock       chan struct{}
}

func (s serial) RoundTrip(r *http.Request) (*http.Response, error) {
	s.count(1)
	defer s.count(-1)
	<-time.After(10 * time.Millisecond)
	return scripted{}.RoundTrip(r)
}

func (s serial) count(n int) {
	s.lock <- struct{}{}
	defer func() { <-s.lock }()
	*s.open += n
	*s.most = max(*s.most, *s.open)
}
