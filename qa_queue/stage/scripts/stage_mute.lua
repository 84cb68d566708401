-- Turn one's own microphone off or on, or somebody's off.
-- args: person, muted. Returns the person; refuses with forbidden, not_found, wrong_state (not on stage).

if args.person and args.person ~= actor.id and not args.muted then return reject('forbidden') end
local hand, code = hand_of(args.person)
if not hand then return reject(code) end
if hand.state ~= 'stage' then return reject('wrong_state') end
if hand.muted == args.muted then return done(hand.id) end
hand.muted = args.muted
keep('stage_mute', hand, 'stage')
return done(hand.id)
