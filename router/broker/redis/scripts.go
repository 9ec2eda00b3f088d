package redis

import (
	_ "embed" // the scripts

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed lua/acquire.lua
	acquireText string
	//go:embed lua/ack.lua
	ackText string
	//go:embed lua/bury.lua
	buryText string
	//go:embed lua/create.lua
	createText string
	//go:embed lua/heartbeat.lua
	heartbeatText string
	//go:embed lua/ids.lua
	idsText string
	//go:embed lua/limit.lua
	limitText string
	//go:embed lua/read.lua
	readText string
	//go:embed lua/release.lua
	releaseText string
	//go:embed lua/renew.lua
	renewText string
	//go:embed lua/retake.lua
	retakeText string
	//go:embed lua/since.lua
	sinceText string
	//go:embed lua/state.lua
	stateText string
	//go:embed lua/trim.lua
	trimText string
)

// Every script names its keys, and all keys of one are in one slot.
var (
	acquireScript   = redis.NewScript(acquireText)
	ackScript       = redis.NewScript(ackText)
	buryScript      = redis.NewScript(buryText)
	createScript    = redis.NewScript(createText)
	heartbeatScript = redis.NewScript(heartbeatText)
	limitScript     = redis.NewScript(idsText + limitText)
	readScript      = redis.NewScript(readText)
	releaseScript   = redis.NewScript(releaseText)
	renewScript     = redis.NewScript(renewText)
	retakeScript    = redis.NewScript(retakeText)
	sinceScript     = redis.NewScript(sinceText)
	trimScript      = redis.NewScript(idsText + trimText)
)

var scriptTexts = []string{
	acquireText, ackText, buryText, createText, heartbeatText, idsText + limitText, readText, releaseText, renewText, retakeText, sinceText,
	stateText, idsText + trimText,
}

// What the fenced scripts answer when the lease is not held.
const (
	heldByOther = -1
	vanished    = -2
)
