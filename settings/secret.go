package settings

import (
	"fmt"
	"io"
	"log/slog"
)

const masked = "******"

// Secret is a text that prints as ****** with every verb of fmt, in slog, JSON, YAML and
// text. An empty one prints as nothing, so that a missing secret is seen. Only Reveal
// gives the text itself. Keep secrets in exported fields: fmt does not ask unexported
// ones how they want to be printed.
type Secret string

// Reveal gives the text itself.
func (s Secret) Reveal() string { return string(s) }

// String is ******, or nothing when the secret is empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format prints String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String; JSON and YAML encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
