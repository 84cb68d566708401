-- Undo a merge; `into` loses the votes that came with it.
-- args: question. Returns the question; refuses with not_found, wrong_state.

local duplicate = get('question', args.question)
if not duplicate or duplicate.deleted then return reject('not_found') end
if duplicate.state ~= 'merged' then return reject('wrong_state') end
local into = get('question', duplicate.merged_into)
if into.state == 'merged' then return reject('wrong_state') end  -- the later merge is to be undone first

local lost = {}
for person, origin in pairs(voters(into.id)) do
  if origin == duplicate.id then lost[#lost + 1] = 'v/' .. into.id .. ':' .. person end
end
local votes = count_of('votes:' .. into.id) - #lost
duplicate.state, duplicate.merged_from, duplicate.merged_into = duplicate.merged_from, nil, nil
emit('merged', 'unmerge', {question = duplicate, into = into.id, votes = votes})
redis.call('HSET', entities, 'question:' .. duplicate.id, cjson.encode(duplicate))
for _, vote in ipairs(lost) do redis.call('HDEL', facts, vote) end
set_votes(into.id, votes)
return done(duplicate.id)
