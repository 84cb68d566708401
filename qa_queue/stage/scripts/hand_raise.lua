-- Ask to come on stage.
-- args: voice_only. Returns the person.

local hand = get('hand', actor.id)
if hand and hand.state ~= 'down' then return done(actor.id) end
hand = new_hand(actor.id, actor.name)
hand.voice_only = args.voice_only or false
keep('hand_raise', hand, 'raised')
return done(actor.id)
