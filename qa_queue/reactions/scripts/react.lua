-- Taps of a page's people since the last time; they are told in one event, at most five a second. Run without a result.
-- args: counts {reaction -> taps}; empty: only what waits. Returns {"seq", "id": ms until what waits may be told; absent: it was}.

for reaction, taps in pairs(args.counts or {}) do redis.call('HINCRBY', meta, 'pending:' .. reaction, taps) end
local told_at = tonumber(redis.call('HGET', meta, 'reactions_at') or 0)
if now < told_at + 200 then
  return cjson.encode({seq = redis.call('XLEN', log), id = string.format('%d', told_at + 200 - now)})
end

local totals = {}
for _, reaction in ipairs({'heart', 'clap', 'laugh', 'wow', 'like', 'fire'}) do
  local waiting = tonumber(redis.call('HGET', meta, 'pending:' .. reaction) or 0)
  if waiting > 0 then totals[reaction] = count_of('reactions:' .. reaction) + waiting end
end
if next(totals) then
  emit('reactions', 'react', {counts = totals})
  for reaction, total in pairs(totals) do
    redis.call('HSET', counts, 'reactions:' .. reaction, total)
    redis.call('HDEL', meta, 'pending:' .. reaction)
  end
  redis.call('HSET', meta, 'reactions_at', string.format('%.0f', now))
end
return done()
