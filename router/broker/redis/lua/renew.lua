-- Prolongs a lease. KEYS: lease, seen. ARGV: token, milliseconds, group.
local held = redis.call('GET', KEYS[1])
if not held then
  return -2
end
if string.match(held, '^[^|]*') ~= ARGV[1] then
  return -1
end
local t = redis.call('TIME')
local deadline = t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[2])
redis.call('SET', KEYS[1], ARGV[1] .. string.format('|%.0f|', deadline) .. ARGV[2], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], t[1])
return 1
