package redis

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

// entryID is the id of an entry: milliseconds of the server's clock and a sequence number.
type entryID struct{ ms, seq uint64 }

func parseID(s string) entryID {
	ms, seq, _ := strings.Cut(s, "-")
	var id entryID
	id.ms, _ = strconv.ParseUint(ms, 10, 64)
	id.seq, _ = strconv.ParseUint(seq, 10, 64)
	return id
}

func (id entryID) String() string {
	return strconv.FormatUint(id.ms, 10) + "-" + strconv.FormatUint(id.seq, 10)
}

func (id entryID) compare(o entryID) int {
	return cmp.Or(cmp.Compare(id.ms, o.ms), cmp.Compare(id.seq, o.seq))
}

// before is the largest id below id.
func (id entryID) before() entryID {
	switch {
	case id.seq > 0:
		return entryID{id.ms, id.seq - 1}
	case id.ms > 0:
		return entryID{id.ms - 1, math.MaxUint64}
	}
	return id
}

// earlier is the first id of the moment d before id.
func (id entryID) earlier(d time.Duration) entryID {
	back := uint64(d.Milliseconds()) //nolint:gosec // d is positive
	return entryID{ms: id.ms - min(back, id.ms)}
}

func (id entryID) time() time.Time { return time.UnixMilli(int64(id.ms)) } //nolint:gosec // a time of our age
