-- What the result of a closed draw is computed of.
-- KEYS: 1 entities, 2 facts, 3 meta. ARGV: 1 the draw
-- Returns {JSON of the draw, secret, {person, JSON of the entry, …}}; nothing where there is no such draw.

local id = ARGV[1]
local draw = redis.call('HGET', KEYS[1], 'draw:' .. id)
if not draw then return {} end
local prefix, found, cursor = 'd/' .. id .. ':', {}, '0'
repeat
  local page = redis.call('HSCAN', KEYS[2], cursor, 'MATCH', prefix .. '*', 'COUNT', 1000)
  cursor = page[1]
  for n = 1, #page[2], 2 do
    found[#found + 1] = page[2][n]:sub(#prefix + 1)
    found[#found + 1] = page[2][n + 1]
  end
until cursor == '0'
return {draw, redis.call('HGET', KEYS[3], 'secret:' .. id), found}
