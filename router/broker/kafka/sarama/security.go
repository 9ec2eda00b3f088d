package sarama

import (
	"crypto/sha256"
	"crypto/sha512"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"

	"github.com/leat-go/leat/router/broker/kafka"
)

func configureSecurity(c *sarama.Config, s *kafka.Shared) {
	if s.TLS != nil {
		c.Net.TLS.Enable, c.Net.TLS.Config = true, s.TLS
	}
	if usesSASL(&s.Settings) {
		sasl := &c.Net.SASL
		sasl.Enable, sasl.Handshake = true, true
		sasl.User, sasl.Password = s.Settings.SASLUsername, s.Settings.SASLPassword.Reveal()
		sasl.Mechanism = sarama.SASLMechanism(s.Settings.SASLMechanism)
		sasl.SCRAMClientGeneratorFunc = generators[sasl.Mechanism]
		if s.Token != nil {
			sasl.TokenProvider = provider(s.Token)
		}
	}
}

// provider gives sarama the tokens of the settings.
type provider kafka.TokenSource

// Token is a token that is good now.
func (p provider) Token() (*sarama.AccessToken, error) {
	token, err := p()
	return &sarama.AccessToken{Token: token}, err
}

// generators make the SCRAM clients that sarama leaves to others.
var generators = map[sarama.SASLMechanism]func() sarama.SCRAMClient{
	sarama.SASLTypeSCRAMSHA256: func() sarama.SCRAMClient { return &scramClient{hash: sha256.New} },
	sarama.SASLTypeSCRAMSHA512: func() sarama.SCRAMClient { return &scramClient{hash: sha512.New} },
}

// scramClient is one log-in.
type scramClient struct {
	hash         scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

func (c *scramClient) Begin(user, password, authz string) error {
	client, err := c.hash.NewClient(user, password, authz)
	if err != nil {
		return err
	}
	c.conversation = client.NewConversation()
	return nil
}

func (c *scramClient) Step(challenge string) (string, error) { return c.conversation.Step(challenge) }

func (c *scramClient) Done() bool { return c.conversation.Done() }
