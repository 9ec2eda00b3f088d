-- Bounds a stream, roughly, and returns the groups that had not finished or not read what went. KEYS: stream. ARGV: entries.
-- Trimming takes whole nodes of a hundred entries, so that there is nothing to do below that.
if redis.call('XLEN', KEYS[1]) <= tonumber(ARGV[1]) + 100 then
  return {}
end
local function behind(id)
  local read = redis.call('XREAD', 'COUNT', '1', 'STREAMS', KEYS[1], id)
  return read and read[1][2][1][1]
end
local oldest = behind('0-0')
local needs = {}
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local name = field(group, 'name')
  local pending = redis.call('XPENDING', KEYS[1], name, oldest, '+', '1')
  needs[name] = pending[1] and pending[1][1] or behind(field(group, 'last-delivered-id'))
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
oldest = behind('0-0')
local cut = {}
for name, id in pairs(needs) do
  if id and (not oldest or below(id, oldest)) then
    cut[#cut + 1] = name
  end
end
return cut
