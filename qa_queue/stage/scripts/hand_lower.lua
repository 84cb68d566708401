-- Do not ask any more, or do not accept.
-- args: person; absent: oneself. Returns the person; refuses with forbidden, not_found, wrong_state (on stage).

local hand, code = hand_of(args.person)
if not hand then return reject(code) end
if hand.state == 'stage' then return reject('wrong_state') end
keep('hand_lower', hand, 'down')
return done(hand.id)
