package settings

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rule is a rule for texts, by its name in validate tags.
type rule struct {
	holds           func(string) bool
	problem, remedy string
}

var ownRules = map[string]rule{
	"hostport":  {isHostPort, "is no host:port", "write a host and a port, such as kafka1:9092, without a scheme"},
	"listen":    {isListen, "is no address to listen on", "write host:port or :port, such as 127.0.0.1:8081"},
	"httpurl":   {isHTTPURL, "is no http or https URL", "write one such as https://host:8081"},
	"redisurl":  {isRedisURL, "is no Redis URL", "write one such as redis://localhost:6379/0, rediss://host:6380 or unix:///run/redis.sock; escape special characters in the password, or set it as password"},
	"namespace": {namespaceText.MatchString, "is no namespace", "write names joined by dots, such as com.core.events"},
	"topicname": {topicText.MatchString, "is no name of a topic", "use at most 249 letters, digits, dots, - and _"},
	"uriref":    {isURIReference, "is no URI reference", "write one such as /orders or https://example.com/orders"},
}

var (
	namespaceText = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)
	topicText     = regexp.MustCompile(`^[\w.-]{1,249}$`)
	hostText      = regexp.MustCompile(`^[^\s/@?#,]+$`)
)

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	return err == nil && hostText.MatchString(host) && isPort(port, 1)
}

func isListen(text string) bool {
	host, port, err := net.SplitHostPort(text)
	return err == nil && (host == "" || hostText.MatchString(host)) && isPort(port, 0)
}

func isPort(text string, least uint64) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n >= least
}

func isHTTPURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && validPort(u)
}

func validPort(u *url.URL) bool { return u.Port() == "" || isPort(u.Port(), 1) }

func isRedisURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	if u.Scheme == "unix" {
		return u.Path != ""
	}
	known := slices.Contains([]string{"redis", "rediss"}, u.Scheme)
	return known && u.Hostname() != "" && validPort(u) && isDatabase(u.Path)
}

func isDatabase(path string) bool {
	path = strings.Trim(path, "/")
	_, err := strconv.ParseUint(path, 10, 31)
	return path == "" || err == nil
}

func isURIReference(text string) bool {
	_, err := url.Parse(text)
	return err == nil && !strings.ContainsAny(text, " \t\n")
}
