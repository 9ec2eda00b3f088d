// Package funcname derives a handler's default name from its function.
package funcname

import (
	"reflect"
	"regexp"
	"runtime"
	"strings"
)

var anonymous = regexp.MustCompile(`(^|\.)func\d+(\.|$)|^glob\.`)

// Of returns "Mailer.Welcome" for Mailer.Welcome, (*Mailer).Welcome and m.Welcome,
// "welcome" for a function, "" for an anonymous one.
func Of(f any) string {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Func || v.IsNil() {
		return ""
	}
	n := runtime.FuncForPC(v.Pointer()).Name()
	n = n[strings.LastIndex(n, "/")+1:]
	_, n, _ = strings.Cut(n, ".")
	n = strings.TrimSuffix(n, "-fm")
	n = strings.NewReplacer("[...]", "", "(*", "", ")", "").Replace(n)
	if anonymous.MatchString(n) {
		return ""
	}
	return n
}
