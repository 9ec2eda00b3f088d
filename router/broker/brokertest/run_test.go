package brokertest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/router/broker"
)

func TestCaseNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range cases {
		if seen[c.name] {
			t.Errorf("two cases are named %q", c.name)
		}
		seen[c.name] = true
	}
}

func TestUnknownNamesAreFaults(t *testing.T) {
	t.Parallel()
	s := newSuite(nil, []Option{Cannot("fly", "no wings"), Cannot(cases[0].name, "known"), Cannot("dive", "no gills"), NotFor("crawl", "no ground")})
	if diff := cmp.Diff([]string{"dive", "fly", "crawl"}, s.unknown()); diff != "" {
		t.Error(diff)
	}
}

func TestWhyCasesDoNotRun(t *testing.T) {
	t.Parallel()
	crash := Crash(func(broker.Broker, []broker.Member) {})
	away := Away(func(broker.Broker) (back func()) { return func() {} })
	for _, c := range []struct {
		name string
		opts []Option
		test testCase
		want string
	}{
		{"a case that is met", nil, testCase{name: "x"}, ""},
		{"a case that is declared", []Option{Cannot("x", "streams forget")}, testCase{name: "x"}, "not met: streams forget"},
		{"a case without meaning", []Option{NotFor("x", "no limit")}, testCase{name: "x"}, "not applicable: no limit"},
		{"a crash that nobody knows how", nil, testCase{name: "x", crashes: true}, "not run: no brokertest.Crash was given"},
		{"a crash", []Option{crash}, testCase{name: "x", crashes: true}, ""},
		{"an outage that nobody knows how", nil, testCase{name: "x", away: true}, "not run: no brokertest.Away was given"},
		{"an outage", []Option{away}, testCase{name: "x", away: true}, ""},
		{"a declared crash", []Option{Cannot("x", "it never crashes")}, testCase{name: "x", crashes: true}, "not met: it never crashes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := newSuite(nil, c.opts).whyNot(c.test); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
