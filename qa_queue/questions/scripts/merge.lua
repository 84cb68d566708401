-- A duplicate: `into` gets the voters of `question`, each once; the votes remember where they came from.
-- args: question, into. Returns `into`; refuses with not_found, closed, wrong_state.

local duplicate, into = get('question', args.question), get('question', args.into)
local code = closed(into)
if code then return reject(code) end
if not duplicate or duplicate.deleted then return reject('not_found') end
if duplicate.id == into.id then return reject('wrong_state') end
if duplicate.state ~= 'queued' and duplicate.state ~= 'received' then return reject('wrong_state') end

local new = {}
for person in pairs(voters(duplicate.id)) do
  local vote = 'v/' .. into.id .. ':' .. person
  if redis.call('HEXISTS', facts, vote) == 0 then new[#new + 1] = vote end
end
local votes = count_of('votes:' .. into.id) + #new
duplicate.merged_from, duplicate.state, duplicate.merged_into = duplicate.state, 'merged', into.id
emit('merged', 'merge', {question = duplicate, into = into.id, votes = votes})
redis.call('HSET', entities, 'question:' .. duplicate.id, cjson.encode(duplicate))
for _, vote in ipairs(new) do redis.call('HSET', facts, vote, duplicate.id) end
set_votes(into.id, votes)
return done(into.id)
