-- Mark a question as answered; clears the pointer if it stood there.
-- KEYS as in the prelude. ARGV: 3 question
-- Returns the question; refuses with not_found.

local question = ARGV[3]
if not exists(question) then return reject('not_found') end
if is_answered(question) then return unchanged(question) end

local seq = next_seq()
append(seq, now_ms(), 'answered', 'question', question)
redis.call('SADD', answered, question)
if redis.call('GET', answering) == question then redis.call('DEL', answering) end
return done(seq, question)
