package redis_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// TestWhatTheDeadHoldIsNotWaitedForUntilTheClockCatchesUp has a member that died while a master ruled whose clock was
// ahead: what it took is pending since a time that the clock of the server reaches in ten minutes.
func TestWhatTheDeadHoldIsNotWaitedForUntilTheClockCatchesUp(t *testing.T) {
	t.Parallel()
	const left = 130
	onServer(t, func(t *testing.T, addr string) {
		t.Helper()
		b, c := open(t, addr, competing), client(t, addr)
		topic := create(t, b, 1)
		publishAll(t, b.Sends(), topic, "", left).Wait()
		abandon(t, c, topic, "dead", left)
		takenInTenMinutes(t, c, topic)
		var seen ids
		join(t, b, group(topic, seen.handle))
		until(t, "it is taken over", func() bool { return seen.has("", left) })
		if seen.total() != left {
			t.Errorf("%d handlers ran for %d entries", seen.total(), left)
		}
	})
}

// takenInTenMinutes has every pending entry of a stream be pending since a time to come, as a replica has it from a
// master whose clock is ahead. No command does that.
func takenInTenMinutes(t *testing.T, c *goredis.Client, stream string) {
	t.Helper()
	text, err := c.Dump(t.Context(), stream).Result()
	if err != nil {
		t.Fatal(err)
	}
	dump := []byte(text)
	for _, m := range c.XRange(t.Context(), stream, "-", "+").Val() {
		if !putOff(dump, rawID(m.ID)) {
			t.Fatalf("the dump does not say since when %s is pending", m.ID)
		}
	}
	binary.LittleEndian.PutUint64(dump[len(dump)-8:], jones(dump[:len(dump)-8]))
	if err := c.RestoreReplace(t.Context(), stream, 0, string(dump)).Err(); err != nil {
		t.Fatal(err)
	}
}

// putOff looks for the entry of a group's pending list in a dump: the id, then the time in milliseconds.
func putOff(dump, id []byte) (found bool) {
	for at := 0; ; at += len(id) {
		next := bytes.Index(dump[at:], id)
		if next < 0 || at+next+24 > len(dump) {
			return found
		}
		at += next
		since := dump[at+16 : at+24]
		if time.Since(time.UnixMilli(int64(binary.LittleEndian.Uint64(since)))).Abs() < time.Hour { //nolint:gosec // a time
			binary.LittleEndian.PutUint64(since, uint64(time.Now().Add(ahead).UnixMilli()))
			found = true
		}
	}
}

// rawID is an id as a dump has it.
func rawID(id string) []byte {
	var ms, seq uint64
	_, _ = fmt.Sscanf(id, "%d-%d", &ms, &seq)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, ms), seq)
}

// jones is the checksum at the end of a dump.
func jones(bs []byte) (sum uint64) {
	table := crc64.MakeTable(0x95ac9329ac4bc9b5)
	for _, b := range bs {
		sum = table[byte(sum)^b] ^ sum>>8
	}
	return sum
}
