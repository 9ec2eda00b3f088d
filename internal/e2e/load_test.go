package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
)

func flushAll(t *testing.T, url string) {
	t.Helper()
	o, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	defer c.Close() //nolint:errcheck // one command only
	if err := c.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// brokers are the real ones that load runs on, shared, with a topic and a group of the test's own.
var brokers = map[string]func(*testing.T) fleet{"kafka": loadOnKafka, "redis": loadOnRedis}

func loadOnKafka(t *testing.T) fleet {
	t.Helper()
	k := testservers.KafkaFor(t)
	if !k.Real {
		needs(t, "a real Kafka", testservers.ErrUnavailable)
	}
	return ownNames(t, "KAFKA_ENABLED=true", "KAFKA_BOOTSTRAP_SERVERS="+strings.Join(k.Brokers, ","))
}

func loadOnRedis(t *testing.T) fleet {
	t.Helper()
	r := testservers.RedisFor(t)
	if !r.Real {
		needs(t, "a real Redis", testservers.ErrUnavailable)
	}
	return ownNames(t, "REDIS_ENABLED=true", "REDIS_URL="+r.URL())
}

func ownNames(t *testing.T, env ...string) fleet {
	t.Helper()
	name := testservers.Unique(t, "load")
	return fleet{env: append(env, "TOPICS__JOBS__NAME="+name, "SERVICE_NAME="+name)}
}

// fill publishes n jobs on keys keys, with bodies of the given size.
func fill(t *testing.T, f fleet, n, keys, size int) {
	t.Helper()
	p := loadProgram(t, f, os.DevNull, fmt.Sprintf("LOAD_FILL=%d", n), fmt.Sprintf("LOAD_KEYS=%d", keys), fmt.Sprintf("LOAD_SIZE=%d", size))
	if code := p.exit(3 * time.Minute); code != 0 {
		t.Fatalf("filling ended with %d", code)
	}
}

// handled is one line of the load program's log.
type handled struct {
	key  string
	n    int
	unix int64 // milliseconds
}

func readLog(t *testing.T, path string) (hs []handled) {
	t.Helper()
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var h handled
		if _, err := fmt.Sscan(lines.Text(), &h.key, &h.n, &h.unix); err == nil {
			hs = append(hs, h)
		}
	}
	return hs
}

// await reads the log until it has n different messages.
func await(t *testing.T, path string, n int, within time.Duration) []handled {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		hs := readLog(t, path)
		if distinct(hs) >= n {
			return hs
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d messages handled within %v", distinct(hs), n, within)
		}
	}
	return nil
}

func distinct(hs []handled) int {
	seen := map[int]bool{}
	for _, h := range hs {
		seen[h.n] = true
	}
	return len(seen)
}

// checkOrder requires that the first handling of each message was in order within its key.
func checkOrder(t *testing.T, hs []handled) {
	t.Helper()
	last, seen := map[string]int{}, map[int]bool{}
	for _, h := range hs {
		if !seen[h.n] && last[h.key] > h.n {
			t.Errorf("key %s: %d was handled after %d", h.key, h.n, last[h.key])
		}
		if !seen[h.n] {
			last[h.key] = h.n
		}
		seen[h.n] = true
	}
}

func loadProgram(t *testing.T, f fleet, log string, env ...string) *service {
	t.Helper()
	return start(t, program(t, "github.com/leat-go/leat/internal/e2e/load"), append(append([]string{"LOAD_LOG=" + log}, f.env...), env...))
}

func TestKeysRunInParallelAndInOrder(t *testing.T) {
	for name, on := range brokers {
		t.Run(name, func(t *testing.T) {
			f, log := on(t), filepath.Join(t.TempDir(), "log")
			fill(t, f, 20_000, 500, 0)
			loadProgram(t, f, log, "LOAD_SLEEP_MS=5", "LOAD_CONCURRENCY=50")
			hs := await(t, log, 20_000, time.Minute)
			checkOrder(t, hs)
			took := time.Duration(hs[len(hs)-1].unix-hs[0].unix) * time.Millisecond
			t.Logf("20,000 messages, 5 ms each, 500 keys, concurrency 50: %v, ideal 2 s", took)
			if len(hs) != 20_000 {
				t.Errorf("%d handled twice", len(hs)-20_000)
			}
		})
	}
}

func TestKillLosesNothing(t *testing.T) {
	for name, on := range brokers {
		t.Run(name, func(t *testing.T) {
			f, log := on(t), filepath.Join(t.TempDir(), "log")
			fill(t, f, 20_000, 500, 0)
			env := []string{"LOAD_SLEEP_MS=2", "LOAD_CONCURRENCY=50"}
			s := loadProgram(t, f, log, env...)
			await(t, log, 5_000, time.Minute)
			s.kill()
			before := distinct(readLog(t, log))
			loadProgram(t, f, log, env...)
			hs := await(t, log, 20_000, 2*time.Minute)
			checkOrder(t, hs)
			t.Logf("killed after %d, handled again %d", before, len(hs)-20_000)
		})
	}
}

func TestStopUnderLoadRepeatsNothing(t *testing.T) {
	for name, on := range brokers {
		t.Run(name, func(t *testing.T) {
			f, log := on(t), filepath.Join(t.TempDir(), "log")
			fill(t, f, 20_000, 500, 0)
			env := []string{"LOAD_SLEEP_MS=5", "LOAD_CONCURRENCY=50"}
			for i := 1; i <= 3; i++ {
				s := loadProgram(t, f, log, env...)
				await(t, log, i*3_000, time.Minute)
				if code, took := s.stop(); code != 0 || took > 20*time.Second {
					t.Fatalf("exit code %d after %v", code, took)
				}
			}
			loadProgram(t, f, log, env...)
			hs := await(t, log, 20_000, time.Minute)
			checkOrder(t, hs)
			if len(hs) != 20_000 {
				t.Errorf("%d messages were handled again after a clean stop", len(hs)-20_000)
			}
		})
	}
}

func TestMemoryStaysBoundedBehindAStuckHandler(t *testing.T) {
	if testing.Short() {
		t.Skip("a million messages: not with -short")
	}
	for name, on := range brokers {
		t.Run(name, func(t *testing.T) {
			f, log := on(t), filepath.Join(t.TempDir(), "log")
			fill(t, f, 1_000_000, 1000, 1024)
			s := loadProgram(t, f, log, "LOAD_STUCK=1", "LOAD_CONCURRENCY=1")
			s.hear(30*time.Second, "worker")
			peak := peakMemory(t, s, 20*time.Second)
			t.Logf("resident: at most %d MB", peak>>20)
			if peak > 200<<20 {
				t.Errorf("%d MB are resident", peak>>20)
			}
		})
	}
}

// peakMemory is the most that was resident, read for a while.
func peakMemory(t *testing.T, s *service, during time.Duration) (peak int64) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(during); time.Now().Before(deadline); {
		<-tick.C
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
		if err != nil {
			t.Skipf("needs /proc: %v", err)
		}
		var size, resident int64
		if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
			t.Fatal(err)
		}
		peak = max(peak, resident*int64(os.Getpagesize()))
	}
	return peak
}
