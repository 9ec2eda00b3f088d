package kafka

import "sync"

// spare is memory that is used again, the warmest first. A sync.Pool keeps some for each processor: records are
// made on one and acknowledged on another, so that each would have to be fetched from there.
type spare struct {
	mu  sync.Mutex
	all []*sent
	n   int // records of all
}

// mostSpare is how many records are kept.
const mostSpare = 10_000

// take returns nil when there is none.
func (s *spare) take() *sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.all) - 1
	if last < 0 {
		return nil
	}
	taken := s.all[last]
	s.all[last], s.all = nil, s.all[:last]
	s.n -= cap(taken.records)
	return taken
}

func (s *spare) put(back *sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.n + cap(back.records); n <= mostSpare {
		s.all, s.n = append(s.all, back), n
	}
}
