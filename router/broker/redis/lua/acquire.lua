-- Takes a free lease. KEYS: lease, fence, seen. ARGV: token, milliseconds, group.
-- Returns the token with the fencing counter, or false when somebody holds the lease.
-- The value is the token, until when it holds, for servers whose keys do not expire by themselves, and how long it was
-- given: what holds longer from now was given by a server whose clock is ahead, and is shortened to that.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local held = redis.call('GET', KEYS[1])
local token
if held then
  local owner, deadline, length = string.match(held, '^([^|]*)|(%d+)|?(%d*)$')
  local mine = ARGV[1] .. ':'
  if owner and string.sub(owner, 1, #mine) == mine then
    token = owner
  elseif owner and tonumber(deadline) > now then
    if tonumber(length) and tonumber(deadline) > now + tonumber(length) then
      redis.call('SET', KEYS[1], owner .. string.format('|%.0f|', now + tonumber(length)) .. length, 'PX', length)
    end
    return false
  end
end
token = token or (ARGV[1] .. ':' .. redis.call('INCR', KEYS[2]))
redis.call('SET', KEYS[1], token .. string.format('|%.0f|', now + tonumber(ARGV[2])) .. ARGV[2], 'PX', ARGV[2])
redis.call('HSET', KEYS[3], ARGV[3], t[1])
return token
