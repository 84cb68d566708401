-- Take part, once: the next ticket.
-- args: draw, nonce. Returns the draw; refuses with not_found, closed.

local draw = get('draw', args.draw)
if not draw then return reject('not_found') end
if draw.state ~= 'open' then return reject('closed') end
local fact = 'd/' .. draw.id .. ':' .. actor.id
if redis.call('HEXISTS', facts, fact) == 1 then return done(draw.id) end
local ticket = count_of('entries:' .. draw.id) + 1
local entry = {ticket = ticket, nonce = args.nonce, name = actor.name}
emit('entered', 'draw_enter', {draw = draw.id, entry = entry})
redis.call('HSET', facts, fact, cjson.encode(entry))
redis.call('HSET', counts, 'entries:' .. draw.id, ticket)
return done(draw.id)
