package router

import (
	"testing"
	"time"

	googleuuid "github.com/google/uuid"
)

func text(u uuid) string {
	var b [uuidLen]byte
	u.put(b[:])
	return string(b[:])
}

func TestIDsAreUUIDsOfVersion7ThatCount(t *testing.T) {
	t.Parallel()
	before := time.Now().UnixMilli()
	var u uuid
	last := ""
	for range 1000 {
		u = u.next()
		id, err := googleuuid.Parse(text(u))
		if err != nil || id.Version() != 7 || id.Variant() != googleuuid.RFC4122 {
			t.Fatalf("%s: %v", text(u), err)
		}
		if sec, nsec := id.Time().UnixTime(); time.Unix(sec, nsec).UnixMilli() < before || time.Until(time.Unix(sec, nsec)) > time.Minute {
			t.Fatalf("%s is of %v", id, time.Unix(sec, nsec))
		}
		if id.String() != text(u) || text(u) <= last {
			t.Fatalf("%s after %s, read as %s", text(u), last, id)
		}
		last = text(u)
	}
}

func TestRowsOfIDsBeginAnywhere(t *testing.T) {
	t.Parallel()
	seen := map[uuid]bool{}
	for range 1000 {
		first := uuid{}.next()
		first.high &= 0xffff
		seen[first] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d of 1000 rows begin elsewhere", len(seen))
	}
}

func TestCountingStaysWithinItsBits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ low, want uint64 }{
		{0xbfffffffffffffff, 0x8000000000000000}, {0x80000000ffffffff, 0x8000000100000000}, {0x9999999999999999, 0x999999999999999a},
	} {
		if got := (uuid{1, c.low}).next(); got != (uuid{1, c.want}) {
			t.Errorf("after %x comes %x", c.low, got.low)
		}
	}
}

func TestDigitsOfIDs(t *testing.T) {
	t.Parallel()
	if got, want := text(uuid{0x0123456789abcdef, 0xfedcba9876543210}), "01234567-89ab-cdef-fedc-ba9876543210"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
