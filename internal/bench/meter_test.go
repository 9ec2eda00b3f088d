package bench

import "testing"

func TestMeterMissesWhatCameTwiceInsteadOfAnother(t *testing.T) {
	t.Parallel()
	const n = 1000
	m := newMeter(n, true)
	for id := range int64(n) {
		if id == 777 {
			id = 0
		}
		m.hit(id)
	}
	select {
	case <-m.full:
	default:
		t.Fatal("not full after as many messages as expected")
	}
	if err := m.complete(); err == nil || err.Error() != "1 of 1000 messages were not handled (others came twice)" {
		t.Errorf("complete() = %v", err)
	}
	m.hit(777)
	if err := m.complete(); err != nil {
		t.Errorf("complete() = %v after the last one came", err)
	}
}
