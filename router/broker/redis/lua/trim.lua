-- Removes what is too old and what no living group still needs.
-- KEYS: stream, seen. ARGV: oldest id to keep, seconds since when a group counts as alive.
-- An id may lack its second part: imitations of the server keep the 0 that a group began at.
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-?(%d*)$')
  return tonumber(ms) or 0, tonumber(seq) or 0
end
local function below(a, b)
  local ams, aseq = parts(a)
  local bms, bseq = parts(b)
  return ams < bms or (ams == bms and aseq < bseq)
end
local function field(list, name)
  for i = 1, #list, 2 do
    if list[i] == name then
      return list[i + 1]
    end
  end
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local keep = ARGV[1]
local groups = redis.call('XINFO', 'GROUPS', KEYS[1])
for _, group in ipairs(groups) do
  local name = field(group, 'name')
  local seen = redis.call('HGET', KEYS[2], name)
  if seen and tonumber(seen) >= tonumber(ARGV[2]) then
    local needs = field(group, 'last-delivered-id')
    local pending = redis.call('XPENDING', KEYS[1], name)
    if pending[1] > 0 then
      needs = pending[2]
    end
    if below(needs, keep) then
      keep = needs
    end
  end
end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', keep)
