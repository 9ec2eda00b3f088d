package kafka

import "testing"

func TestMemoryOfFetchedRecordsHasRoomForTheBatch(t *testing.T) {
	t.Parallel()
	var m fetchedMemory
	for _, n := range []int{3, 1, 0, 5, 5, 4} {
		rs := m.GetRecords(n)
		if len(rs) != n {
			t.Errorf("got %d records, want %d", len(rs), n)
		}
		for i := range rs {
			if rs[i].Topic != "" {
				t.Errorf("record %d of %d is of %q", i, n, rs[i].Topic)
			}
			rs[i].Topic = "used"
		}
		clear(rs) // as the client does
		m.PutRecords(rs)
	}
}
