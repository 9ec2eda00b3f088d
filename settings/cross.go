package settings

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// checkKafka checks what matters only when Kafka is enabled.
func (l *load) checkKafka() {
	kafka := l.settings.Kafka
	if !kafka.Enabled {
		return
	}
	l.checkSASL(kafka)
	l.checkPair("kafka.ssl_certfile", "kafka.ssl_keyfile", kafka.SSLCertFile, kafka.SSLKeyFile)
	l.checkFile("kafka.ssl_cafile", kafka.SSLCAFile)
	if kafka.HeartbeatInterval > kafka.SessionTimeout/3 {
		problem := fmt.Sprintf("is %s, more than a third of kafka.session_timeout, %s",
			showDuration(kafka.HeartbeatInterval), showDuration(kafka.SessionTimeout))
		l.wrong("kafka.heartbeat_interval", problem, "lower KAFKA_HEARTBEAT_INTERVAL or raise KAFKA_SESSION_TIMEOUT", "kafka.session_timeout")
	}
	l.warnUnusedTLS(kafka)
	l.warnUnusedOAuth(kafka)
}

const oauthBearer = "OAUTHBEARER"

func (l *load) checkSASL(kafka Kafka) {
	protocol := "kafka.security_protocol"
	if !strings.HasPrefix(kafka.SecurityProtocol, "SASL_") {
		if kafka.SASLMechanism != "" {
			problem := fmt.Sprintf("is %s, but %s is %s", kafka.SASLMechanism, protocol, kafka.SecurityProtocol)
			l.wrong("kafka.sasl_mechanism", problem, "set KAFKA_SECURITY_PROTOCOL to SASL_SSL or SASL_PLAINTEXT", protocol)
		}
		return
	}
	with := kafka.SASLMechanism
	if with == "" {
		with = kafka.SecurityProtocol
		l.wrong("kafka.sasl_mechanism", "is required with "+with, "set KAFKA_SASL_MECHANISM to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER", protocol)
	}
	if with == oauthBearer {
		l.checkOAuth(kafka)
		return
	}
	l.require("kafka.sasl_username", kafka.SASLUsername, with, protocol)
	l.require("kafka.sasl_password", kafka.SASLPassword.Reveal(), with, protocol)
}

// checkOAuth wants a token, or where to get one and who asks for it.
func (l *load) checkOAuth(kafka Kafka) {
	const token, tokenURL = "kafka.sasl_oauth_token", "kafka.sasl_oauth_token_url" //nolint:gosec // names of settings
	switch {
	case kafka.SASLOAuthToken != "" && kafka.SASLOAuthTokenURL != "":
		l.wrong(token, "and "+tokenURL+" are both set", "keep one of them", tokenURL)
	case kafka.SASLOAuthTokenURL != "":
		l.require("kafka.sasl_username", kafka.SASLUsername, tokenURL, tokenURL)
		l.require("kafka.sasl_password", kafka.SASLPassword.Reveal(), tokenURL, tokenURL)
	case kafka.SASLOAuthToken == "":
		l.wrong(tokenURL, "is required with "+oauthBearer, "set KAFKA_SASL_OAUTH_TOKEN_URL, or KAFKA_SASL_OAUTH_TOKEN", "kafka.sasl_mechanism", token)
	}
}

// warnUnusedOAuth tells of tokens that another way to log in does not use.
func (l *load) warnUnusedOAuth(kafka Kafka) {
	if kafka.SASLMechanism == oauthBearer {
		return
	}
	unused := "is not used without kafka.sasl_mechanism " + oauthBearer + " (set KAFKA_SASL_MECHANISM)"
	if kafka.SASLOAuthTokenURL != "" {
		l.warn("kafka.sasl_oauth_token_url", unused)
	}
	if kafka.SASLOAuthToken != "" {
		l.warn("kafka.sasl_oauth_token", unused)
	}
}

func (l *load) require(key, value, with string, about ...string) {
	if value == "" {
		l.wrong(key, "is required with "+with, "set "+envName(key), about...)
	}
}

// warnUnusedTLS tells of certificates that a plain connection does not use.
func (l *load) warnUnusedTLS(kafka Kafka) {
	if strings.HasSuffix(kafka.SecurityProtocol, "SSL") {
		return
	}
	unused := "is not used, because kafka.security_protocol is " + kafka.SecurityProtocol + " (set KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL)"
	if kafka.SSLCAFile != "" {
		l.warn("kafka.ssl_cafile", unused)
	}
	if kafka.SSLCertFile != "" {
		l.warn("kafka.ssl_certfile", unused)
	}
}

// checkPair checks a certificate and its key: both or none, and both readable.
func (l *load) checkPair(certKey, keyKey string, cert, key File) {
	switch {
	case cert != "" && key == "":
		l.require(keyKey, "", certKey, certKey)
	case cert == "" && key != "":
		l.require(certKey, "", keyKey, keyKey)
	}
	l.checkFile(certKey, cert)
	l.checkFile(keyKey, key)
}

func (l *load) checkFile(key string, file File) {
	if file == "" || file.Inline() {
		return
	}
	info, err := os.Stat(string(file))
	switch {
	case err != nil:
		l.wrong(key, strconv.Quote(string(file))+" cannot be opened: "+cause(err), "correct the path in "+envName(key))
	case info.IsDir():
		l.wrong(key, strconv.Quote(string(file))+" is a directory", "give the path of a PEM file in "+envName(key))
	}
}

// checkRegistry checks the schema registry, which needs no Kafka.
func (l *load) checkRegistry() {
	kafka := l.settings.Kafka
	if len(kafka.SchemaRegistryURL) == 0 {
		return
	}
	at := "kafka.schema_registry_"
	switch {
	case kafka.SchemaRegistryToken != "" && kafka.SchemaRegistryUsername != "":
		l.wrong(at+"token", "and "+at+"username are both set", "keep one of them", at+"username")
	case kafka.SchemaRegistryUsername != "":
		l.require(at+"password", kafka.SchemaRegistryPassword.Reveal(), at+"username")
	case kafka.SchemaRegistryPassword != "":
		l.require(at+"username", "", at+"password")
	}
	l.checkPair(at+"certfile", at+"keyfile", kafka.SchemaRegistryCertFile, kafka.SchemaRegistryKeyFile)
	l.checkFile(at+"cafile", kafka.SchemaRegistryCAFile)
}

// checkRedis checks what matters only when Redis is enabled.
func (l *load) checkRedis() {
	redis := l.settings.Redis
	if !redis.Enabled {
		return
	}
	addrs, master := "redis.sentinel_addrs", "redis.sentinel_master"
	switch sentinels := len(redis.SentinelAddrs) > 0; {
	case sentinels && redis.SentinelMaster == "":
		l.require(master, "", addrs, addrs)
	case !sentinels && redis.SentinelMaster != "":
		l.require(addrs, "", master, master)
	case sentinels && redis.Cluster:
		l.wrong("redis.cluster", "and "+addrs+" are both set", "keep one of them", addrs)
	}
	l.checkPair("redis.tls_certfile", "redis.tls_keyfile", redis.TLSCertFile, redis.TLSKeyFile)
	l.checkFile("redis.tls_cafile", redis.TLSCAFile)
}

// checkRetry finds first waits that the longest wait would cut.
func (l *load) checkRetry() {
	retry := l.settings.Retry
	l.checkDelays("retry", &retry.InitialDelay, &retry.MaxDelay)
	for name, w := range l.settings.Workers {
		l.checkDelays("workers."+name, w.InitialDelay, w.MaxDelay)
	}
}

func (l *load) checkDelays(section string, initial, most *time.Duration) {
	if initial == nil || most == nil || *initial <= *most {
		return
	}
	first, last := section+".initial_delay", section+".max_delay"
	problem := fmt.Sprintf("is %s, less than %s, %s", showDuration(*most), first, showDuration(*initial))
	l.wrong(last, problem, "raise "+envName(last), first)
}

const brokerKey = "messaging.broker"

// checkBrokers finds brokers that are named and not enabled, and choices that are open.
func (l *load) checkBrokers() {
	s := l.settings
	l.checkEnabled(brokerKey, s.Messaging.Broker)
	for name, topic := range s.Topics {
		if topic.Broker != nil {
			l.checkEnabled("topics."+name+".broker", *topic.Broker)
		}
	}
	if s.Messaging.Broker == "auto" {
		l.checkAuto(s.Kafka.Enabled, s.Redis.Enabled)
	}
}

func (l *load) checkEnabled(key, broker string) {
	enabled := map[string]bool{"kafka": l.settings.Kafka.Enabled, "redis": l.settings.Redis.Enabled}
	if on, known := enabled[broker]; known && !on {
		needs := broker + ".enabled"
		l.wrong(key, "is "+broker+", which is not enabled", "set "+envName(needs)+"=true, or name another broker", needs)
	}
}

func (l *load) checkAuto(kafka, redis bool) {
	on := []string{"kafka.enabled", "redis.enabled"}
	switch {
	case kafka && redis:
		l.wrong(brokerKey, "is auto, but kafka.enabled and redis.enabled are both true",
			"set MESSAGING_BROKER to kafka or redis; topics.<name>.broker sends single topics to the other", on...)
	case !kafka && !redis && l.profile == productionProfile:
		l.wrong(brokerKey, "is auto and no broker is enabled, but in profile production messages are not kept in memory by accident",
			"set KAFKA_ENABLED=true or REDIS_ENABLED=true, or MESSAGING_BROKER=memory", on...)
	}
}
