// Load is a service under load: one worker-like consumer whose speed, failures and log the
// tests choose. It appends a line "key n milliseconds" to LOAD_LOG for each message. With
// LOAD_FILL it publishes that many messages in place of handling any.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/leat-go/leat/app"
	"github.com/leat-go/leat/cmd/cli"
	"github.com/leat-go/leat/router"
	"github.com/leat-go/leat/topics"
)

// Job is what the tests publish.
type Job struct {
	Key  string `json:"key"`
	N    int    `json:"n"`
	Body string `json:"body,omitempty"`
}

// Jobs carries them, on one partition.
var Jobs = topics.Event[Job]{Name: "jobs", Key: func(j Job) string { return j.Key }, Partitions: 1}

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

type worker struct {
	log   *os.File
	sleep time.Duration
	stuck bool
}

func (w worker) handle(_ context.Context, j Job) error {
	if w.stuck {
		select {}
	}
	time.Sleep(w.sleep)
	_, err := fmt.Fprintf(w.log, "%s %d %d\n", j.Key, j.N, time.Now().UnixMilli())
	return err
}

// fill publishes n messages on LOAD_KEYS keys with bodies of LOAD_SIZE bytes.
func fill(ctx context.Context, n int) error {
	c, err := app.New(app.Publish(Jobs)).Open(ctx)
	if err != nil {
		return err
	}
	keys, body := number("LOAD_KEYS", 1), strings.Repeat("x", number("LOAD_SIZE", 0))
	p := router.NewPublisher(c.Router(), Jobs)
	for from := 0; from < n && err == nil; from += 1000 {
		batch := make([]Job, min(1000, n-from))
		for i := range batch {
			batch[i] = Job{"k" + strconv.Itoa((from+i)%keys), from + i, body}
		}
		err = p.Publish(ctx, batch...)
	}
	return errors.Join(err, c.Close(ctx))
}

func main() {
	if n := number("LOAD_FILL", 0); n > 0 {
		if err := fill(context.Background(), n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	log, err := os.OpenFile(os.Getenv("LOAD_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the test chooses the file
	if err != nil {
		fmt.Fprintln(os.Stderr, "LOAD_LOG:", err)
		os.Exit(1)
	}
	w := worker{log, time.Duration(number("LOAD_SLEEP_MS", 0)) * time.Millisecond, os.Getenv("LOAD_STUCK") != ""}
	cli.Main(app.New(
		app.Publish(Jobs),
		app.ConsumeFunc(Jobs, w.handle, router.Name("worker"), router.Concurrency(number("LOAD_CONCURRENCY", 50))),
	))
}
