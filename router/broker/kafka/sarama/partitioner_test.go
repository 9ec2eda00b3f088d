package sarama

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/leat-go/leat/router/broker"
)

// The vectors are those of the Java client (UtilsTest.testMurmur2), as its partitioner uses them.
func TestKeysStayWhereTheJavaClientPutsThem(t *testing.T) {
	t.Parallel()
	hashes := map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string":                       -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
	}
	for key, hash := range hashes {
		for _, n := range []int32{1, 3, 12, 100} {
			got, err := newPartitioner("t").Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, n)
			if err != nil {
				t.Fatal(err)
			}
			if want := (hash & 0x7fffffff) % n; got != want || got != broker.PartitionOf([]byte(key), int(n)) {
				t.Errorf("%q is in partition %d of %d, want %d", key, got, n, want)
			}
		}
	}
}

func TestRecordsWithoutAKeyTakeTurns(t *testing.T) {
	t.Parallel()
	p := newPartitioner("t")
	got := map[int32]int{}
	for range 9 {
		at, err := p.Partition(&sarama.ProducerMessage{}, 3)
		if err != nil {
			t.Fatal(err)
		}
		got[at]++
	}
	for at := range int32(3) {
		if got[at] != 3 {
			t.Errorf("partition %d has %d of 9", at, got[at])
		}
	}
}

func TestOnlyKeysInsistOnTheirPartition(t *testing.T) {
	t.Parallel()
	p := new(partitioner)
	if !p.MessageRequiresConsistency(&sarama.ProducerMessage{Key: sarama.StringEncoder("k")}) || p.MessageRequiresConsistency(&sarama.ProducerMessage{}) {
		t.Error("a key goes elsewhere while its partition cannot be written, or a record without a key waits")
	}
}
