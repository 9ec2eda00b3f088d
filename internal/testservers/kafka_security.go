package testservers

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The users of [SecuredKafkaFor]. Root may do everything, Ada what she has an ACL for.
const (
	Root         = "root"
	RootPassword = "root-secret#1"
	Ada          = "ada"
	AdaPassword  = "ada-secret#1"
)

// SecuredKafkaFor returns the secured Kafka that the tests of this process share, starting it when t is the
// first to ask. No embedded one stands in for it: t is skipped where it cannot be started and is not required.
func SecuredKafkaFor(t testing.TB) *KafkaServer {
	t.Helper()
	secured.once.Do(func() { secured.server, secured.err = startSecured(context.WithoutCancel(t.Context())) })
	if errors.Is(secured.err, ErrUnavailable) && !RequireReal() {
		stand.note("kafka")
		t.Skip(secured.err)
	}
	if secured.err != nil {
		t.Fatal(secured.err)
	}
	return secured.server
}

var secured struct {
	once   sync.Once
	server *KafkaServer
	err    error
}

func startSecured(ctx context.Context) (*KafkaServer, error) {
	if !mainRuns.Load() {
		return nil, errors.New("this package's TestMain does not call testservers.Main, which would stop the secured kafka")
	}
	s, err := StartKafka(ctx, KafkaOptions{Security: &KafkaSecurity{
		Users: map[string]string{Root: RootPassword, Ada: AdaPassword}, Super: []string{Root},
	}})
	if err == nil {
		stand.add(s)
	}
	return s, err
}

// KafkaSecurity has a cluster ask who its clients are, on listeners beside the plain one, and refuse what
// they have no ACL for. A user of the plain listener may do everything.
type KafkaSecurity struct {
	Users map[string]string // passwords of those who log in with PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Super []string          // who may do everything without an ACL, by whatever listener

	authority *Authority
}

// secureListeners are those that [KafkaSecurity] adds, named as their protocols.
var secureListeners = []string{"SASL_SSL", "SSL", "SASL_PLAINTEXT"}

// SASLSSL returns host:port of every node for PLAIN and SCRAM over TLS, nil without [KafkaSecurity].
func (s *KafkaServer) SASLSSL() []string { return s.listening("SASL_SSL") }

// SSL returns host:port of every node for clients that show a certificate of [KafkaServer.Authority]; its
// common name is the user's.
func (s *KafkaServer) SSL() []string { return s.listening("SSL") }

// OAuth returns host:port of every node for OAUTHBEARER without TLS. It takes any unsigned token, such as
// that of [UnsignedToken].
func (s *KafkaServer) OAuth() []string { return s.listening("SASL_PLAINTEXT") }

// Authority is who has issued the certificates of the nodes, nil without [KafkaSecurity].
func (s *KafkaServer) Authority() *Authority { return s.authority }

func (s *KafkaServer) listening(protocol string) []string {
	var addrs []string
	for _, n := range s.nodes {
		if addr, ok := n.secure[protocol]; ok {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// UnsignedToken is a token of OAUTHBEARER for a user, which only a server for tests believes.
func UnsignedToken(user string, until time.Time) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, time.Now().Unix(), until.Unix())) + "."
}

// secureAddresses finds an address for each listener.
func secureAddresses(ctx context.Context, s *KafkaSecurity) (map[string]string, error) {
	if s == nil {
		return nil, nil
	}
	addrs := map[string]string{}
	for _, protocol := range secureListeners {
		port, err := FreePort(ctx)
		if err != nil {
			return nil, err
		}
		addrs[protocol] = loopback(port)
	}
	return addrs, nil
}

// secured returns the properties of a node that asks who its clients are.
func (n *kafkaNode) secured(s *KafkaSecurity) (map[string]string, error) {
	cert, key, err := s.authority.Issue("localhost", time.Now().Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	p := map[string]string{
		"listeners": n.listeners(),
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL," +
			"SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
		"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":           superUsers(s.Super),

		"ssl.keystore.type":              "PEM",
		"ssl.keystore.certificate.chain": cert,
		"ssl.keystore.key":               key,
		"ssl.truststore.type":            "PEM",
		"ssl.truststore.certificates":    s.authority.PEM(),
		"ssl.principal.mapping.rules":    "RULE:^CN=(.*?)$/$1/",

		"listener.name.ssl.ssl.client.auth": "required",
	}
	maps.Copy(p, logIns(s.Users))
	return p, nil
}

func (n *kafkaNode) listeners() string {
	all := []string{"PLAINTEXT://" + n.broker, "CONTROLLER://" + n.controller}
	for _, protocol := range secureListeners {
		all = append(all, protocol+"://"+n.secure[protocol])
	}
	return strings.Join(all, ",")
}

// superUsers adds those whom nobody asks: the nodes themselves and the users of the plain listener.
func superUsers(names []string) string {
	users := []string{"User:ANONYMOUS"}
	for _, name := range names {
		users = append(users, "User:"+name)
	}
	return strings.Join(users, ";")
}

const security = "org.apache.kafka.common.security."

// logIns returns the properties of all ways to log in.
func logIns(users map[string]string) map[string]string {
	plain := []string{security + "plain.PlainLoginModule required"}
	for _, name := range slices.Sorted(maps.Keys(users)) {
		plain = append(plain, fmt.Sprintf("user_%s=%q", name, users[name]))
	}
	over, oauth := "listener.name.sasl_ssl.", "listener.name.sasl_plaintext."
	return map[string]string{
		over + "sasl.enabled.mechanisms":                         "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
		over + "plain.sasl.jaas.config":                          strings.Join(plain, " ") + ";",
		over + "scram-sha-256.sasl.jaas.config":                  security + "scram.ScramLoginModule required;",
		over + "scram-sha-512.sasl.jaas.config":                  security + "scram.ScramLoginModule required;",
		oauth + "sasl.enabled.mechanisms":                        "OAUTHBEARER",
		oauth + "oauthbearer.sasl.jaas.config":                   security + `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="node";`,
		oauth + "oauthbearer.sasl.server.callback.handler.class": security + "oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler",
	}
}

// scramUsers are the arguments of Kafka's format tool that make the users known.
func scramUsers(s *KafkaSecurity) []string {
	if s == nil {
		return nil
	}
	var args []string
	for _, name := range slices.Sorted(maps.Keys(s.Users)) {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, name, s.Users[name]))
		}
	}
	return args
}
