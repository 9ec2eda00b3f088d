-- Removes a consumer that has nothing pending. KEYS: stream. ARGV: group, consumer.
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', '1', ARGV[2])
if #pending > 0 then
  return 0
end
return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
