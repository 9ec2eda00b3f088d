-- Gives a lease back. KEYS: lease. ARGV: token.
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^[^|]*') == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
