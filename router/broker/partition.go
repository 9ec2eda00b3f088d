package broker

import "slices"

// PartitionOf returns the partition of a key among n: murmur2 as in the Java client of
// Kafka (org.apache.kafka.common.utils.Utils.murmur2, sign bit cleared, modulo n), the same
// on every backend.
func PartitionOf(key []byte, n int) int32 {
	return int32(murmur2(key)&0x7fffffff) % int32(n) //nolint:gosec // n is a partition count
}

func murmur2(b []byte) uint32 {
	const seed, m, r = uint32(0x9747b28c), uint32(0x5bd1e995), 24
	h := seed ^ uint32(len(b)) //nolint:gosec // keys are far below 4 GiB
	for ; len(b) >= 4; b = b[4:] {
		k := (uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24) * m
		h = h*m ^ (k^k>>r)*m
	}
	for i, c := range slices.Backward(b) {
		h ^= uint32(c) << (8 * i)
		if i == 0 {
			h *= m
		}
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
