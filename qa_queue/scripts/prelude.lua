-- The beginning of every command, put before its file. It answers a repeated command and offers the steps that all share.
--
-- KEYS, of one session:
--   1 log        stream  the session log, ids <seq>-0, seq 1, 2, 3, … without gaps
--   2 questions  hash    question id -> JSON {text, author: {id, name}, asked_at}
--   3 votes      hash    question id -> number of votes
--   4 answered   set     ids of the answered questions
--   5 answering  string  id of the question being answered; absent: none
--   6 voted      set     ids of the questions that this person votes for
--   7 result     string  JSON result of this command id of this person; expires
-- ARGV:
--   1 id of the person   2 lifetime of the result, ms   3… of the command
-- Returns JSON: {"seq": n, "question": id} (question absent: none), or {"error": code}
--
-- A script is not rolled back, so each command makes all checks first, and appends its event, the only step that
-- can be refused (memory full), before it changes anything else.

local log, questions, votes, answered, answering, voted, result = unpack(KEYS)
local person, result_lifetime_ms = ARGV[1], ARGV[2]

local first_result = redis.call('GET', result)
if first_result then return first_result end

local function finish(outcome)
  local json = cjson.encode(outcome)
  redis.call('SET', result, json, 'PX', result_lifetime_ms)
  return json
end

local function reject(code)
  return finish({error = code})
end

local function done(seq, question)
  return finish({seq = seq, question = question})
end

-- Nothing needed to change.
local function unchanged(question)
  return done(redis.call('XLEN', log), question)
end

-- ms since 1970, by the one clock that a session has.
local function now_ms()
  local time = redis.call('TIME')
  return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end

local function next_seq()
  return redis.call('XLEN', log) + 1
end

-- Append the event `seq` = next_seq() with its fields after kind, at and by.
local function append(seq, at, kind, ...)
  redis.call('XADD', log, string.format('%.0f-0', seq), 'kind', kind, 'at', at, 'by', person, ...)
end

local function exists(question)
  return redis.call('HEXISTS', questions, question) == 1
end

local function is_answered(question)
  return redis.call('SISMEMBER', answered, question) == 1
end

-- Why an open question is not there; nil if it is.
local function refusal(question)
  if not exists(question) then return 'not_found' end
  if is_answered(question) then return 'closed' end
  return nil
end
