-- Reads as the owner of a lease, or without one when the token is empty. KEYS: lease, stream. ARGV: token, group, consumer, count, id.
if ARGV[1] ~= '' then
  local held = redis.call('GET', KEYS[1])
  if not held then
    return -2
  end
  if string.match(held, '^[^|]*') ~= ARGV[1] then
    return -1
  end
end
local reply = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[4], 'STREAMS', KEYS[2], ARGV[5])
if not reply then
  return {}
end
return reply[1][2]
