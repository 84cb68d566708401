-- A new question with no votes; its id is made of its seq.
-- KEYS as in the prelude. ARGV: 3 name of the author, 4 text
-- Returns the new question.

local name, text = ARGV[3], ARGV[4]
local seq, at = next_seq(), now_ms()
local question = string.format('q%.0f', seq)

append(seq, at, 'asked', 'question', question, 'name', name, 'text', text)
redis.call('HSET', questions, question, cjson.encode({
  text = text,
  author = {id = person, name = name},
  asked_at = tonumber(at),
}))
redis.call('HSET', votes, question, 0)
return done(seq, question)
