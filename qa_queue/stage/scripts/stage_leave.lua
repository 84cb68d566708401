-- Go back, or send somebody back.
-- args: person; absent: oneself. Returns the person; refuses with forbidden, not_found, wrong_state (not on stage).

local hand, code = hand_of(args.person)
if not hand then return reject(code) end
if hand.state ~= 'stage' then return reject('wrong_state') end
keep('stage_leave', hand, 'down')
return done(hand.id)
