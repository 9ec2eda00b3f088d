-- Has what is pending since a time to come be pending since now, in the same hands: a server's clock may be behind
-- that of the one whose place it took. KEYS: stream. ARGV: group, from, count. Returns where to go on, '' at the end.
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], '+', ARGV[3])
for i = 1, #pending do
  if tonumber(pending[i][3]) <= 0 then -- a time to come counts as now, and so does what was taken now
    redis.call('XCLAIM', KEYS[1], ARGV[1], pending[i][2], '0', pending[i][1], 'IDLE', '0', 'JUSTID')
  end
end
if #pending < tonumber(ARGV[3]) then
  return ''
end
return '(' .. pending[#pending][1]
