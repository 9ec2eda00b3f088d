package router

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leat-go/leat/internal/outcome"
)

// Skip says, returned by a worker, that the input is handled and has no result: nothing is
// published and nothing is retried. In [BatchErrors] it does so for one item.
var Skip = outcome.Skip //nolint:errname // a signal like io.EOF

// ErrInvalid is found, with errors.Is, in the error of publishing a value that breaks its
// validate tags or its Validate method. Nothing was sent.
var ErrInvalid = outcome.ErrInvalid

// ErrNotDeclared answers the zero [Publisher].
var ErrNotDeclared = errors.New("publisher not declared: add app.Publish(topic) or use router.NewPublisher")

// ErrNoApp answers [Publish] and [Send] outside of an app.
var ErrNoApp = errors.New("no app in this context: call it below a handler, app.Go or app.Serve, or use router.NewContext")

// ErrInterrupted is why a delivery settles that leat itself interrupted: its partition moved
// or the service stopped. The message comes again.
var ErrInterrupted = errors.New("interrupted by a stop or a rebalance")

// Permanent marks an error that another attempt cannot cure: the message goes to the dead
// letter topic at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &outcome.PermanentError{Err: err}
}

// RetryAfter makes the next attempt come after d instead of the handler's backoff, once. It
// counts as an attempt like any other failure. RetryAfter(d, nil) is nil.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &outcome.RetryAfterError{Err: err, Wait: d}
}

// BatchErrors says, returned by a batch handler, which items failed, by index; the others
// succeeded. Later items with the key of a failed one are handled again behind it, without
// counting an attempt.
type BatchErrors map[int]error //nolint:errname // several errors

func (b BatchErrors) Error() string {
	keys := slices.Sorted(maps.Keys(b))
	if len(keys) == 0 {
		return "no items failed"
	}
	return fmt.Sprintf("%d items failed, the first at %d: %v", len(b), keys[0], b[keys[0]])
}

// PublishError says which values of a Publish were not written, by index. An error that is
// broker.ErrOutcomeUnknown may have been written all the same; any other was not. Values
// that are not listed were written.
type PublishError struct {
	Topic  string
	Failed map[int]error
}

func (e *PublishError) Error() string {
	keys := slices.Sorted(maps.Keys(e.Failed))
	if len(keys) == 0 {
		return "publish to " + e.Topic
	}
	first := e.Failed[keys[0]]
	if len(keys) == 1 {
		return fmt.Sprintf("publish to %s: %v", e.Topic, first)
	}
	return fmt.Sprintf("publish to %s: %d values not written, the first at %d: %v", e.Topic, len(keys), keys[0], first)
}

// Unwrap returns the errors in the order of the values.
func (e *PublishError) Unwrap() []error {
	var errs []error
	for _, i := range slices.Sorted(maps.Keys(e.Failed)) {
		errs = append(errs, e.Failed[i])
	}
	return errs
}
