-- Notes attempts and acknowledges as the owner of a lease, or without one when the token is empty.
-- KEYS: lease, stream, state. ARGV: token, group, number of notes, then id and text of each note, then ids.
if ARGV[1] ~= '' then
  local held = redis.call('GET', KEYS[1])
  if not held then
    return -2
  end
  if string.match(held, '^[^|]*') ~= ARGV[1] then
    return -1
  end
end
local first = 4 + 2 * tonumber(ARGV[3])
if first > 4 then
  redis.call('HSET', KEYS[3], unpack(ARGV, 4, first - 1))
end
if #ARGV >= first then
  redis.call('XACK', KEYS[2], ARGV[2], unpack(ARGV, first))
  if redis.call('EXISTS', KEYS[3]) == 1 then
    redis.call('HDEL', KEYS[3], unpack(ARGV, first))
  end
end
return 1
