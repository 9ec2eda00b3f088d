package kafka

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/leat-go/leat/router/broker"
	"github.com/leat-go/leat/router/broker/dispatch"
)

// metadataLimit is what Kafka takes as metadata of a commit unless it is configured otherwise.
const metadataLimit = 4096

// progressVersion comes first, so that later layouts are told apart.
const progressVersion = 1

// noProgress is said of a partition that is only begun.
var noProgress dispatch.Progress

// progress is what the metadata of a commit says about the offsets from the committed one on.
type progress struct {
	topicID  [16]byte // of the topic that was read; zero when unknown
	finished []dispatch.Run
	waiting  map[int64]dispatch.Waiting
}

// encodeProgress gives the metadata of a commit, at most limit bytes. It reports whether
// everything found room: what waits is written first, then as many finished runs as fit.
//
// Layout, in base64: version, topic id, then two lists, each a count and its items as
// varints. Offsets and times (in Unix milliseconds) are distances from the one before.
func encodeProgress(id [16]byte, pr *dispatch.Progress, limit int) (metadata string, fits bool) {
	room := base64.RawStdEncoding.DecodedLen(limit) - 1 - len(id) - 2*binary.MaxVarintLen32
	waiting, nw := encodeList(pr.Waiting, room, waitingEncoder(pr.Next))
	runs, nr := encodeList(pr.Finished, room-len(waiting), runEncoder(pr.Next))
	b := append([]byte{progressVersion}, id[:]...)
	b = append(binary.AppendUvarint(b, uint64(nw)), waiting...) //nolint:gosec // a count
	b = append(binary.AppendUvarint(b, uint64(nr)), runs...)    //nolint:gosec // a count
	return base64.RawStdEncoding.EncodeToString(b), nw == len(pr.Waiting) && nr == len(pr.Finished)
}

// encodeList encodes items until the next one has no room.
func encodeList[T any](items []T, room int, encode func([]byte, T) []byte) (b []byte, n int) {
	for _, it := range items {
		longer := encode(b, it)
		if len(longer) > room {
			break
		}
		b = longer
		n++
	}
	return b, n
}

func waitingEncoder(from int64) func([]byte, dispatch.Waiting) []byte {
	var due, failed int64
	return func(b []byte, w dispatch.Waiting) []byte {
		b = binary.AppendVarint(b, w.Position-from)
		b = binary.AppendVarint(b, int64(w.Attempt))
		b = binary.AppendVarint(b, millis(w.Due)-due)
		b = binary.AppendVarint(b, millis(w.FirstFailed)-failed)
		from, due, failed = w.Position, millis(w.Due), millis(w.FirstFailed)
		return b
	}
}

func runEncoder(from int64) func([]byte, dispatch.Run) []byte {
	return func(b []byte, r dispatch.Run) []byte {
		b = binary.AppendVarint(b, r.From-from)
		from = r.To
		return binary.AppendVarint(b, r.To-r.From)
	}
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

var errMetadata = errors.New("not written by leat")

// decodeProgress reads what encodeProgress wrote for a commit of next. Metadata of other
// clients is an error and means nothing.
func decodeProgress(metadata string, next int64) (progress, error) {
	b, err := base64.RawStdEncoding.DecodeString(metadata)
	if err != nil || len(b) < 17 || b[0] != progressVersion {
		return progress{}, errMetadata
	}
	d := &decoder{b: b[17:]}
	p := progress{topicID: [16]byte(b[1:17]), waiting: d.waiting(next), finished: d.runs(next)}
	if d.bad || len(d.b) > 0 {
		return progress{}, errMetadata
	}
	return p, nil
}

// decoder reads varints until something is wrong.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads how many items follow, each of which takes at least a byte.
func (d *decoder) count() int {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return int(v) //nolint:gosec // at most the length
}

func (d *decoder) waiting(from int64) map[int64]dispatch.Waiting {
	m := map[int64]dispatch.Waiting{}
	var due, failed int64
	for range d.count() {
		at, attempt := from+d.varint(), int(d.varint())
		due, failed = due+d.varint(), failed+d.varint()
		m[at] = dispatch.Waiting{Position: at, Attempt: attempt, Due: fromMillis(due), FirstFailed: fromMillis(failed)}
		d.bad = d.bad || at < from
		from = at
	}
	return m
}

func (d *decoder) runs(from int64) []dispatch.Run {
	var rs []dispatch.Run
	for range d.count() {
		r := dispatch.Run{From: from + d.varint()}
		r.To = r.From + d.varint()
		d.bad = d.bad || r.From < from || r.To < r.From
		from = r.To
		rs = append(rs, r)
	}
	return rs
}

// resume makes an entry what an earlier owner left of it. Entries come in order.
func (p *progress) resume(e *dispatch.Entry[*broker.Record]) {
	for len(p.finished) > 0 && p.finished[0].To < e.Position {
		p.finished = p.finished[1:]
	}
	if len(p.finished) > 0 && p.finished[0].From <= e.Position {
		e.Finished = true
		p.fed(e.Position)
		return
	}
	if w, ok := p.waiting[e.Position]; ok {
		e.Attempt, e.Due, e.FirstFailed = w.Attempt, w.Due, w.FirstFailed
		delete(p.waiting, e.Position)
	}
}

// fed takes a position off the first run: from now on the engine knows of it.
func (p *progress) fed(position int64) {
	if p.finished[0].From = position + 1; p.finished[0].From > p.finished[0].To {
		p.finished = p.finished[1:]
	}
}

// missing adds what is not fed yet to what the engine knows: a commit that comes before all
// that an earlier owner had finished was fetched must not forget the rest.
func (p *progress) missing(pr *dispatch.Progress) {
	pr.Finished = append(pr.Finished, p.finished...)
	for _, w := range p.waiting {
		pr.Waiting = append(pr.Waiting, w)
	}
	slices.SortFunc(pr.Waiting, func(a, b dispatch.Waiting) int { return int(a.Position - b.Position) })
}
