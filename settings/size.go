package settings

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Size is a number of bytes. Settings write it as 16384 or 16KiB.
type Size int64

var sizeUnits = []struct {
	name  string
	bytes Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// String is the size in the largest unit that gives a whole number.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.bytes == 0 {
			return fmt.Sprintf("%d%s", s/u.bytes, u.name)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText is String; JSON and YAML encoders use it.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var (
	errSize  = errors.New("is no size")
	sizeText = regexp.MustCompile(`^(\d+)(\.\d+)?\s*([A-Za-z]*)$`)
	bytesOf  = map[string]int64{
		"": 1, "b": 1,
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}
)

// parseSize reads a number with a unit in any case; a single letter is binary, as in Kafka's world.
func parseSize(text string) (Size, error) {
	m := sizeText.FindStringSubmatch(text)
	if m == nil {
		return 0, errSize
	}
	unit, known := bytesOf[strings.ToLower(m[3])]
	whole, err := strconv.ParseInt(m[1], 10, 64)
	if !known || err != nil || whole >= math.MaxInt64/unit {
		return 0, errSize
	}
	return Size(whole*unit + fraction(m[2], unit)), nil
}

// fraction gives the bytes of a part of a unit, such as .5.
func fraction(text string, unit int64) int64 {
	part, _ := strconv.ParseFloat("0"+text, 64)
	return int64(part * float64(unit))
}
