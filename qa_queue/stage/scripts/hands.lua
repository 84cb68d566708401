-- What the commands on hands and the stage share. A hand is kept under the id of its person; `down` is none.

local function keep(act, hand, state)
  local was = hand.state
  hand.state = state
  save('hand', act, hand)
  if was ~= 'stage' and state == 'stage' then
    redis.call('HINCRBY', meta, 'stage', 1)
    redis.call('HSET', meta, 'seen:' .. hand.id, string.format('%.0f', now))
  end
  if was == 'stage' and state ~= 'stage' then redis.call('HINCRBY', meta, 'stage', -1) end
end

-- The hand that a command is about: one's own, or another's by staff; nil and the reason where there is none.
local function hand_of(person)
  if person and person ~= actor.id and actor.rank < 2 then return nil, 'forbidden' end
  local hand = get('hand', person or actor.id)
  if not hand or hand.state == 'down' then return nil, 'not_found' end
  return hand
end

local function new_hand(person, name)
  return {id = person, name = name, at = now, voice_only = false, muted = false}
end
