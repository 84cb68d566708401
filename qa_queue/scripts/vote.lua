-- One vote of this person for a question.
-- KEYS as in the prelude. ARGV: 3 question
-- Returns the question; refuses with not_found, closed.

local question = ARGV[3]
local code = refusal(question)
if code then return reject(code) end
if redis.call('SISMEMBER', voted, question) == 1 then return unchanged(question) end

local seq, count = next_seq(), redis.call('HGET', votes, question) + 1
append(seq, now_ms(), 'voted', 'question', question, 'votes', count, 'voted', 1)
redis.call('SADD', voted, question)
redis.call('HSET', votes, question, count)
return done(seq, question)
