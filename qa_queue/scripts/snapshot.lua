-- The whole state of a session with its position in the log.
-- KEYS: 1 to 4 as in the prelude
-- Returns {seq, {field, JSON, …}, {field, value, …}, {field, number, …}}. Nothing is written.

return {
  redis.call('XLEN', KEYS[1]),
  redis.call('HGETALL', KEYS[2]),
  redis.call('HGETALL', KEYS[3]),
  redis.call('HGETALL', KEYS[4]),
}
