-- Registers a topic unless it is. KEYS: topic. ARGV: partitions, kind, retention in milliseconds.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], 'partitions', ARGV[1], 'kind', ARGV[2], 'retention', ARGV[3])
return 1
