-- Take this person's vote for a question back.
-- args: question. Returns the question; refuses with not_found, closed, wrong_state.

local code = closed(get('question', args.question))
if code then return reject(code) end
local id = args.question
local vote = 'v/' .. id .. ':' .. actor.id
if redis.call('HEXISTS', facts, vote) == 0 then return done(id) end

local votes = count_of('votes:' .. id) - 1
emit('voted', 'unvote', {question = id, votes = votes, voted = false})
redis.call('HDEL', facts, vote)
set_votes(id, votes)
return done(id)
