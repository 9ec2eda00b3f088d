package settings

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// entry is one value in a source, by the name that the source gives it.
type entry struct {
	name   string
	raw    raw
	origin string
}

// layer is what one source holds.
type layer struct {
	entries []entry
	strict  bool // an unknown name is a fault
	env     bool // names are those of an environment, which others use too
}

// Bounds of a settings file; more is a mistake or an attack by aliases.
const (
	maxDepth   = 32
	maxEntries = 10_000
)

var (
	errTooDeep   = errors.New("is nested too deeply")
	errTooMany   = errors.New("holds too many keys")
	errNoMapping = errors.New("does not hold keys with values")
)

// lineError is an error at a line of a file.
type lineError struct {
	line int
	text string
}

func (e *lineError) Error() string { return e.text }

// ignored tells names that belong to editors and anchors: $schema, x-common.
func ignored(name string) bool {
	return name == "$schema" || strings.HasPrefix(name, "x-")
}

// at is the origin of a line of a file.
func at(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

var quoted = regexp.MustCompile("'[^']*'|\"[^\"]*\"|`[^`]*`")

// withoutQuotes drops what a parser cites from the file, which may be a secret.
func withoutQuotes(err error) string {
	return quoted.ReplaceAllString(err.Error(), "…")
}
