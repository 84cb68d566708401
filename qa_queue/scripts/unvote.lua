-- Take this person's vote for a question back.
-- KEYS as in the prelude. ARGV: 3 question
-- Returns the question; refuses with not_found, closed.

local question = ARGV[3]
local code = refusal(question)
if code then return reject(code) end
if redis.call('SISMEMBER', voted, question) == 0 then return unchanged(question) end

local seq, count = next_seq(), redis.call('HGET', votes, question) - 1
append(seq, now_ms(), 'voted', 'question', question, 'votes', count, 'voted', 0)
redis.call('SREM', voted, question)
redis.call('HSET', votes, question, count)
return done(seq, question)
