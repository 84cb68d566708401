-- One ballot of this person, instead of an earlier one.
-- args: poll, ballot, folded (the same, for words), screen. Returns the poll; refuses with not_found, closed, bad_choice,
-- text_blocked, link_blocked, muted (texts).

local poll = get('poll', args.poll)
if not poll or poll.deleted or poll.state == 'draft' then return reject('not_found') end
if poll.state ~= 'open' or (poll.deadline and now > poll.deadline) then return reject_for_now('closed') end
local ballot = poll.kind == 'words' and args.folded or args.ballot
local new = points(poll, ballot)
if not new then return reject('bad_choice') end
if poll.kind == 'words' or poll.kind == 'open' then
  if actor.muted_until > now then return reject_for_now('muted') end
  local code = refusal_of_text()
  if code then return reject(code) end
end

local fact, subject = 'b/' .. poll.id .. ':' .. actor.id, 'tally/' .. poll.id .. ':'
local before, json = redis.call('HGET', facts, fact), cjson.encode(ballot)
if before == json then return done(poll.id) end
local changes = {}
for key, value in pairs(before and points(poll, cjson.decode(before)) or {}) do changes[key] = -value end
for key, value in pairs(new) do changes[key] = (changes[key] or 0) + value end
local after = {}
for key, change in pairs(changes) do
  -- The first ballot makes a key even of no points: the last of a ranking.
  after[#after + 1] = {key, count_of(subject .. key) + change}
end
local total = count_of('total:' .. poll.id) + (before and 0 or 1)
emit('tally', 'poll_vote', {poll = poll.id, ballot = ballot, total = total, counts = after})
redis.call('HSET', facts, fact, json)
for _, count in ipairs(after) do
  if count[2] == 0 then
    redis.call('HDEL', counts, subject .. count[1])
  else
    redis.call('HSET', counts, subject .. count[1], count[2])
  end
end
redis.call('HSET', counts, 'total:' .. poll.id, total)
return done(poll.id)
