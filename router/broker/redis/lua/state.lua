-- Publishes to a compacted stream. KEYS: stream, latest. ARGV: key, then fields and values.
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
local former = redis.call('HGET', KEYS[2], ARGV[1])
if former then
  redis.call('XDEL', KEYS[1], former)
end
redis.call('HSET', KEYS[2], ARGV[1], id)
return id
