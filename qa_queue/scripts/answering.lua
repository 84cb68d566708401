-- Move the pointer to a question, or clear it. A question left behind is queued again, because a question is "answering"
-- only by the pointer.
-- KEYS as in the prelude. ARGV: 3 question; absent: clear
-- Returns the question; refuses with not_found, closed.

local question = ARGV[3]
if question then
  local code = refusal(question)
  if code then return reject(code) end
end
if (question or false) == redis.call('GET', answering) then return unchanged(question) end

local seq = next_seq()
if question then
  append(seq, now_ms(), 'answering', 'question', question)
  redis.call('SET', answering, question)
else
  append(seq, now_ms(), 'answering')
  redis.call('DEL', answering)
end
return done(seq, question)
