-- Says that a member lives and returns all that do. KEYS: members. ARGV: member, milliseconds.
-- A member that lives says so every second. Who seems to live for long was heard by a server whose clock is ahead.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', tonumber(ARGV[2]) * 10))
local living, members = redis.call('ZRANGE', KEYS[1], '0', '-1', 'WITHSCORES'), {}
for i = 1, #living, 2 do
  members[#members + 1] = living[i]
  if tonumber(living[i + 1]) > now + 4 * tonumber(ARGV[2]) then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), living[i])
  end
end
return members
