-- The whole state of a session's queue with its position in the log, and what one person has voted for.
-- KEYS: 1 to 6 as in the prelude
-- ARGV: none
-- Returns {seq, {question, JSON, …}, {question, votes, …}, {answered question, …}, question being answered or '',
-- {question voted for, …}}. Nothing is written.

return {
  redis.call('XLEN', KEYS[1]),
  redis.call('HGETALL', KEYS[2]),
  redis.call('HGETALL', KEYS[3]),
  redis.call('SMEMBERS', KEYS[4]),
  redis.call('GET', KEYS[5]) or '',
  redis.call('SMEMBERS', KEYS[6]),
}
