package redisstream

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/leat-go/leat/router/broker/redis"
	"github.com/leat-go/leat/router/broker/stock"
)

// marshaler writes entries as the default backend does.
type marshaler struct{}

func (marshaler) Marshal(_ string, m *message.Message) (map[string]any, error) {
	out := stock.OutgoingFrom(m.Context())
	if out == nil {
		return nil, errors.New("not a message of leat's producer")
	}
	pairs := redis.EncodeEntry(out.Record)
	values := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		values[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return values, nil
}

// unmarshaler reads any entry: an error would end the subscription for good.
type unmarshaler struct {
	*stock.Envelopes
	topic string
}

func (u unmarshaler) Unmarshal(values map[string]any) (*message.Message, error) {
	texts := make(map[string]string, len(values))
	for k, v := range values {
		texts[k] = fmt.Sprint(v)
	}
	id := texts[fieldEntry]
	delete(texts, fieldEntry)
	return u.Seal(redis.DecodeEntry(u.topic, id, texts)), nil
}

// timeOf is the moment in the id of an entry.
func timeOf(id string) time.Time {
	ms, _, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n)
}
