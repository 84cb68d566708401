-- Ask somebody to come, with or without a raised hand.
-- args: person. Returns the person; refuses with not_found, wrong_state (on stage).

local name = redis.call('HGET', meta, 'name:' .. args.person)
local hand = get('hand', args.person)
if not hand and not name then return reject('not_found') end
if hand and hand.state == 'stage' then return reject('wrong_state') end
if hand and hand.state == 'invited' then return done(hand.id) end
if not hand or hand.state == 'down' then hand = new_hand(args.person, name or hand.name) end
keep('hand_invite', hand, 'invited')
return done(hand.id)
