-- A draw. The secret is kept apart from the state and the log until it is drawn.
-- args: title, prizes, secret, commitment. Returns it; refuses with too_many.

if full('draw', 100) then return reject('too_many') end
local id = next_id('d')
save('draw', 'draw_open', {
  id = id,
  title = args.title,
  prizes = args.prizes,
  state = 'open',
  commitment = args.commitment,
})
redis.call('HSET', meta, 'secret:' .. id, args.secret)
grown('draw')
return done(id)
