package kafka

import (
	"context"
	"slices"
)

// earlySurvey is a survey that was asked for before it is needed.
type earlySurvey struct {
	names []string
	over  chan struct{} // closed when s and err are there
	s     *survey
	err   error
}

// surveyEarly asks about the topics of new partitions while the client fetches the positions that it wants
// to know before it asks where to begin: that is a round trip less until the first message.
func (m *member) surveyEarly(ctx context.Context, names []string) {
	e := &earlySurvey{names: names, over: make(chan struct{})}
	m.early.Store(e)
	go func() { // as long as the client's ctx
		defer close(e.over)
		e.s, e.err = surveyTopics(ctx, m.admin, m.group.Name, names)
	}()
}

// surveyOf returns what was asked early, once, or asks now when that failed or was about other topics.
func (m *member) surveyOf(ctx context.Context, names []string) (*survey, error) {
	e := m.early.Swap(nil)
	if e != nil && slices.Equal(e.names, names) {
		select {
		case <-e.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if e.err == nil {
			return e.s, nil
		}
	}
	return surveyTopics(ctx, m.admin, m.group.Name, names)
}
