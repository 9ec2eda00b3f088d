package redis_test

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/internal/testservers"
	"github.com/leat-go/leat/settings"
)

// newer is what a server has that Redis 6.2 had not, in lower case: commands, subcommands as
// "xinfo|stream", and the words among the arguments of each.
type newer struct {
	commands map[string]bool
	words    map[string]map[string]bool
}

// newerThan62 asks a server, which knows since when it has everything.
func newerThan62(t *testing.T, addr string) newer {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: addr, Protocol: 2}) // lists instead of maps
	defer c.Close()                                                   //nolint:errcheck // asked once
	n := newer{map[string]bool{}, map[string]map[string]bool{}}
	docs, err := c.Do(t.Context(), "COMMAND", "DOCS").Slice()
	if err != nil { // a server of 6.2 does not know the question
		if !strings.HasPrefix(c.Info(t.Context(), "server").Val(), "# Server\r\nredis_version:6.2") {
			t.Fatal(err)
		}
		return n
	}
	for name, doc := range pairs(docs) {
		n.learn(name, doc)
	}
	return n
}

func (n newer) learn(name string, doc any) {
	about := maps.Collect(pairs(doc))
	if after62(about["since"]) {
		n.commands[name] = true
	}
	n.learnWords(name, about["arguments"], false)
	for sub, doc := range pairs(about["subcommands"]) {
		n.learn(sub, doc)
	}
}

// learnWords goes through arguments; those within one are as new as it is at least.
func (n newer) learnWords(name string, arguments any, within bool) {
	list, _ := arguments.([]any)
	for _, a := range list {
		about := maps.Collect(pairs(a))
		isNew := within || after62(about["since"])
		if word, ok := about["token"].(string); ok && isNew {
			if n.words[name] == nil {
				n.words[name] = map[string]bool{}
			}
			n.words[name][strings.ToLower(word)] = true
		}
		n.learnWords(name, about["arguments"], isNew)
	}
}

// pairs are the names and values of a list in which they take turns.
func pairs(list any) func(func(string, any) bool) {
	l, _ := list.([]any)
	return func(yield func(string, any) bool) {
		for i := 0; i+1 < len(l); i += 2 {
			if name, _ := l[i].(string); !yield(name, l[i+1]) {
				return
			}
		}
	}
}

func after62(since any) bool {
	text, _ := since.(string)
	var major, minor int
	if _, err := fmt.Sscanf(text, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 6 || major == 6 && minor > 2
}

// rules let a user do everything else.
func (n newer) rules() []string {
	rules := []string{"on", ">secret", "~*", "&*", "+@all"}
	for _, c := range slices.Sorted(maps.Keys(n.commands)) {
		rules = append(rules, "-"+c)
	}
	return rules
}

// in returns what of a command is newer, "" for nothing.
func (n newer) in(args []string) string {
	if len(args) == 0 {
		return ""
	}
	names := []string{strings.ToLower(args[0])}
	if len(args) > 1 {
		names = append(names, names[0]+"|"+strings.ToLower(args[1]))
	}
	for _, name := range names {
		if n.commands[name] {
			return name
		}
		for _, a := range args[1:] {
			if n.words[name][strings.ToLower(a)] {
				return name + " " + a
			}
		}
	}
	return ""
}

// watch collects what of the commands that a server runs from now on is newer, those of
// scripts too. The returned function ends it and tells of how many it saw.
func (n newer) watch(t *testing.T, addr string) func() (found map[string]bool, all int) {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(conn)
	if _, err := fmt.Fprint(conn, "MONITOR\r\n"); err != nil {
		t.Fatal(err)
	}
	if ok, err := lines.ReadString('\n'); err != nil || ok != "+OK\r\n" {
		t.Fatal(ok, err)
	}
	found, all := map[string]bool{}, 0
	var reading sync.WaitGroup
	reading.Go(func() {
		for line, err := lines.ReadString('\n'); err == nil; line, err = lines.ReadString('\n') {
			all++
			if what := n.in(monitored(line)); what != "" {
				found[what] = true
			}
		}
	})
	end := sync.OnceFunc(func() { _ = conn.Close(); reading.Wait() })
	t.Cleanup(end)
	return func() (map[string]bool, int) { end(); return found, all }
}

// monitored are the words of a line like: +1795.1 [0 lua] "XADD" "s" "*" "a" "b".
func monitored(line string) (args []string) {
	_, rest, _ := strings.Cut(line, "] ")
	for {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return args
		}
		arg, _ := strconv.Unquote(quoted)
		args = append(args, arg)
		rest = strings.TrimPrefix(rest[len(quoted):], " ")
	}
}

// as62 has servers refuse a user every command that Redis 6.2 had not, and fails t at its
// end when anybody used a newer one or a newer option, in a script or not.
func as62(t *testing.T, servers ...*testservers.RedisServer) func(*settings.Redis) {
	t.Helper()
	for _, s := range servers {
		n := newerThan62(t, s.Addr())
		if err := client(t, s.Addr()).Do(t.Context(), toAny("ACL", "SETUSER", "old", n.rules())...).Err(); err != nil {
			t.Fatal(err)
		}
		ended := n.watch(t, s.Addr())
		t.Cleanup(func() {
			found, all := ended()
			if all < fewest() || len(found) > 0 {
				t.Errorf("of %d commands at %s these are newer than Redis 6.2: %v", all, s.Addr(), slices.Sorted(maps.Keys(found)))
			}
		})
	}
	return func(c *settings.Redis) { c.Username, c.Password = "old", "secret" }
}

// fewest is how many commands a server must have seen, lest the watch sees nothing: those of a whole suite, or of
// single cases that -run has chosen.
func fewest() int {
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return 50
	}
	return 300
}

func toAny(command, sub, name string, rest []string) []any {
	args := []any{command, sub, name}
	for _, r := range rest {
		args = append(args, r)
	}
	return args
}

// TestWhatIsNewerThanRedis62IsFound is why the watch over the conformance suite means something.
func TestWhatIsNewerThanRedis62IsFound(t *testing.T) {
	t.Parallel()
	server := testservers.RedisFor(t)
	if !server.Real {
		t.Skip("the embedded server does not know since when it has a command")
	}
	n := newerThan62(t, server.Addr)
	if len(n.commands) == 0 {
		t.Skip("the server is not newer than Redis 6.2")
	}
	for line, want := range map[string]string{
		`+1.1 [0 127.0.0.1:1] "FCALL" "f" "0"`:                          "fcall",
		`+1.1 [0 lua] "EVALSHA_RO" "x" "0"`:                             "evalsha_ro",
		`+1.1 [0 127.0.0.1:1] "expire" "k" "1" "NX"`:                    "expire NX",
		`+1.1 [0 127.0.0.1:1] "CLUSTER" "SHARDS"`:                       "cluster|shards",
		`+1.1 [0 lua] "XAUTOCLAIM" "s" "g" "c" "1" "0-0" "JUSTID"`:      "",
		`+1.1 [0 127.0.0.1:1] "XADD" "s" "MAXLEN" "~" "1" "*" "a" "\""`: "",
		`+1.1 [0 127.0.0.1:1] "SET" "k" "v" "PX" "1"`:                   "",
	} {
		if got := n.in(monitored(line)); got != want {
			t.Errorf("%s: found %q", line, got)
		}
	}
}
