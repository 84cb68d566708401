-- What the commands on members share. A record about a person is kept under the person's id, or, where it was found by what it
-- wrote anonymously, under `via:` and the id of that: so nobody learns who that was.

local KINDS = {q = 'question', r = 'reply', c = 'chat'}

-- The record that a command is about, which is changed and saved by the caller; nil and the reason where there is none.
local function record()
  local id, person, name = args.person, args.person, nil
  if args.of then
    local kind = KINDS[args.of:sub(1, 1)]
    local written = kind and get(kind, args.of)
    if not written then return nil, 'not_found' end
    person, name = written.author.id, written.author.name
    id = written.anonymous and 'via:' .. args.of or person
  end
  if not person then return nil, 'not_found' end
  name = name or redis.call('HGET', meta, 'name:' .. person)
  if not name then return nil, 'not_found' end
  local role = redis.call('HGET', meta, 'role:' .. person)
  -- A moderator has no power over a host, and nobody over himself.
  if person == actor.id or (role == 'host' and actor.rank < 4) then return nil, 'forbidden' end
  local found = get('member', id)
  return found or {id = id, person = person, name = name, via = id ~= person, muted_until = 0, banned = false}
end

local function keep(act, member)
  save('member', act, member)
  local field = 'records:' .. member.person
  local records = redis.call('HGET', meta, field) or ''
  if not (' ' .. records .. ' '):find(' ' .. member.id .. ' ', 1, true) then
    redis.call('HSET', meta, field, records == '' and member.id or records .. ' ' .. member.id)
  end
end

-- Take somebody from the stage, or its hand down; not who asked anonymously, who would be known by it.
local function send_off_stage(act, member)
  local hand = not member.via and get('hand', member.person)
  if not hand or hand.state == 'down' then return end
  local was = hand.state
  hand.state = 'down'
  save('hand', act, hand)
  if was == 'stage' then redis.call('HINCRBY', meta, 'stage', -1) end
end
