package testservers

import "testing"

func TestAClusterIDIsNoOption(t *testing.T) {
	for range 500 {
		if id, err := clusterID(t.TempDir()); err != nil || id[0] == '-' {
			t.Fatalf("clusterID = %q, %v, want one that a command line takes for a value", id, err)
		}
	}
}
