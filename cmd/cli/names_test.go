package cli

import (
	"slices"
	"testing"
)

func TestNamesAreEqualAcrossSpellings(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"mailer-welcome", "MAILER_WELCOME", "mailer.welcome", "Mailer.Welcome"} {
		if !same("Mailer.Welcome", other) {
			t.Errorf("same(Mailer.Welcome, %s) = false", other)
		}
	}
	if same("Mailer.Welcome", "MailerWelcome") {
		t.Error("a name without its separator is taken for equal")
	}
}

func TestNearestName(t *testing.T) {
	t.Parallel()
	known := []string{"Billing.Charge", "Mailer.Welcome", "orders"}
	for typed, want := range map[string]string{
		"mailer-welcom": "Mailer.Welcome", "Charge": "Billing.Charge", "ordres": "orders", "kangaroo": "", "zz": "",
	} {
		if got := nearest(typed, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func FuzzDistanceIsSymmetric(f *testing.F) {
	f.Add("orders", "ordres")
	f.Add("", "a")
	f.Fuzz(func(t *testing.T, a, b string) {
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) {
			t.Errorf("distance(%q, %q) = %d, the other way %d", a, b, d, distance(b, a))
		}
	})
}

func TestListNamesEachOnce(t *testing.T) {
	t.Parallel()
	if got := list([]string{"b", "a", "b"}); got != "a, b" {
		t.Errorf("list = %q", got)
	}
	many := slices.Repeat([]string{""}, 25)
	for i := range many {
		many[i] = string(rune('a' + i))
	}
	if got := list(many); got != "a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t and 5 more" {
		t.Errorf("list = %q", got)
	}
}
