-- Removes what is too old and what no living group still needs; of commands also what the groups are done with.
-- KEYS: stream, seen. ARGV: oldest id to keep, seconds since when a group counts as alive, 'commands' or ''.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local function after(id)
  local ms, seq = parts(id)
  if seq >= 2 ^ 53 then
    return id
  end
  return string.format('%.0f-%.0f', ms, seq + 1)
end
local function unfinished(group)
  local pending = redis.call('XPENDING', KEYS[1], field(group, 'name'))
  if pending[1] > 0 then
    return pending[2]
  end
  return after(field(group, 'last-delivered-id'))
end
local living, others
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local seen = redis.call('HGET', KEYS[2], field(group, 'name'))
  if seen and tonumber(seen) >= tonumber(ARGV[2]) then
    living = lower(unfinished(group), living)
  else
    others = lower(unfinished(group), others)
  end
end
if ARGV[3] ~= 'commands' then
  return redis.call('XTRIM', KEYS[1], 'MINID', '~', lower(living, ARGV[1]))
end
local keep = ARGV[1]
if not others then
  keep = living or keep
elseif below(keep, others) then
  keep = others
end
return redis.call('XTRIM', KEYS[1], 'MINID', lower(living, keep))
