-- One vote of this person for a question.
-- args: question. Returns the question; refuses with not_found, closed, wrong_state.

local code = closed(get('question', args.question))
if code then return reject(code) end
local id = args.question
local vote = 'v/' .. id .. ':' .. actor.id
if redis.call('HEXISTS', facts, vote) == 1 then return done(id) end

local votes = count_of('votes:' .. id) + 1
emit('voted', 'vote', {question = id, votes = votes, voted = true})
redis.call('HSET', facts, vote, 1)
set_votes(id, votes)
return done(id)
