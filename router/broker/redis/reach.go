package redis

import (
	"github.com/redis/go-redis/v9"

	"github.com/leat-go/leat/settings"
)

// NewClient returns a client of your own that reaches the server, the sentinels or the cluster
// of cfg as leat does. It dials nothing. The caller closes it.
func NewClient(cfg settings.Redis) (redis.UniversalClient, error) {
	o, err := clientOptions(withDefaults(cfg))
	if err != nil {
		return nil, err
	}
	quietClient()
	return newClient(o), nil
}
