package settings

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// File is the path of a PEM file, or its text itself (recognized by "-----BEGIN").
// A path prints as it is, text as (inline PEM).
type File string

// Inline reports whether the setting holds the text itself.
func (f File) Inline() bool { return strings.Contains(string(f), "-----BEGIN") }

// Read gives the PEM text: the setting itself when inline, else what the file holds.
func (f File) Read() ([]byte, error) {
	if f.Inline() {
		return []byte(f), nil
	}
	return os.ReadFile(string(f))
}

// String is the path, or (inline PEM).
func (f File) String() string {
	if f.Inline() {
		return "(inline PEM)"
	}
	return string(f)
}

// Format prints String for every verb.
func (f File) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// GoString is String.
func (f File) GoString() string { return f.String() }

// LogValue is String.
func (f File) LogValue() slog.Value { return slog.StringValue(f.String()) }

// MarshalText is String; JSON and YAML encoders use it.
func (f File) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
