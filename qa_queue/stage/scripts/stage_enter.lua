-- Accept an invitation. Staff need none.
-- args: voice_only. Returns the person; refuses with not_invited, stage_full.

local hand = get('hand', actor.id)
if hand and hand.state == 'stage' then return done(actor.id) end
if actor.rank < 2 and not (hand and hand.state == 'invited') then return reject_for_now('not_invited') end
if tonumber(redis.call('HGET', meta, 'stage') or 0) >= settings().max_stage then return reject_for_now('stage_full') end
if not hand or hand.state == 'down' then hand = new_hand(actor.id, actor.name) end
hand.voice_only, hand.muted = args.voice_only or false, false
keep('stage_enter', hand, 'stage')
return done(actor.id)
