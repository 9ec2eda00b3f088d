package redis

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// A script of ours that was refused one of its commands or keys: of the name of the command
// the server says the script and the line alone, in an order that depends on its version.
var (
	scriptHash = regexp.MustCompile(`\b(?:f_)?([0-9a-f]{40})\b`)
	scriptLine = regexp.MustCompile(`@user_script:\s*(\d+)`)
	namedIn    = regexp.MustCompile(`to run the '([^']+)' command`)
	calledHere = regexp.MustCompile(`redis\.call\('([A-Z]+)'(?:, '([A-Z]+)')?`)
)

// denied tells that the user lacks a right: trying again does not help.
func denied(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "NOPERM") || strings.Contains(err.Error(), "The user executing the script can't"))
}

// explain says which command the user may not run and what to do about it. Other errors it
// returns as they are.
func explain(err error) error {
	if !denied(err) {
		return err
	}
	what := "use a key or run a command"
	if command := deniedCommand(err.Error()); command != "" {
		what = "run " + command + ", or use its key"
	}
	return fmt.Errorf("the user of redis.username (REDIS_USERNAME) may not %s; its ACL rules must allow what leat needs: %w", what, err)
}

func deniedCommand(text string) string {
	if m := namedIn.FindStringSubmatch(text); m != nil {
		return strings.ToUpper(m[1])
	}
	hash, at := scriptHash.FindStringSubmatch(text), scriptLine.FindStringSubmatch(text)
	if hash == nil || at == nil {
		return ""
	}
	line, _ := strconv.Atoi(at[1])
	return commandIn(hash[1], line)
}

// commandIn is the command that a script of ours calls in a line.
func commandIn(hash string, line int) string {
	for _, text := range scriptTexts {
		lines := strings.Split(text, "\n")
		if redis.NewScript(text).Hash() != hash || line < 1 || line > len(lines) {
			continue
		}
		if m := calledHere.FindStringSubmatch(lines[line-1]); m != nil {
			return strings.TrimSpace(m[1])
		}
	}
	return ""
}
