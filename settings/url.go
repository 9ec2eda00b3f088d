package settings

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
)

// URL is an address that may carry a user and a password. It prints with ****** in
// their place; Reveal gives it as it was set.
type URL string

// Reveal gives the address as it was set.
func (u URL) Reveal() string { return string(u) }

// String is the address with ****** for user and password.
func (u URL) String() string { return redact(string(u)) }

// Format prints String for every verb.
func (u URL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// GoString is String.
func (u URL) GoString() string { return u.String() }

// LogValue is String.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText is String; JSON and YAML encoders use it.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

var (
	userinfo    = regexp.MustCompile(`(?s)(://).*@`)
	bareUser    = regexp.MustCompile(`(?s).*:.*@`)
	secretQuery = regexp.MustCompile(`(?i)((?:password|passwd|token|secret|key)=)[^&\s]*`)
)

// redact masks whatever looks like user and password in an address. It works on text
// that is no valid URL too, because that is when it stands in a fault.
func redact(s string) string {
	masked := userinfo.ReplaceAllString(s, "${1}"+masked+"@")
	if masked == s {
		masked = bareUser.ReplaceAllString(s, "******@")
	}
	return secretQuery.ReplaceAllString(masked, "${1}******")
}
