-- The beginning of every command, put before its file. It answers a repeated command, checks who acts, and offers the steps
-- that all share.
--
-- KEYS, of one session:
--   1 log       stream  the session log, ids <seq>-0, seq 1, 2, 3, … without gaps
--   2 entities  hash    <kind>:<id> -> JSON of the entity
--   3 facts     hash    <subject>:<person> -> what this person did to it, such as v/q1:ann
--   4 counts    hash    <subject>:<key> -> number, such as votes:q1, tally/p3:0
--   5 meta      hash    what is kept beside the state and told by the log: limits, devices, names
--   6 result    string  JSON result of this command id of this person; expires
-- ARGV:
--   1 JSON of who acts {id, name, role, device, tier}   2 lifetime of the result, ms; 0 keeps none
--   3 right that it takes: read, speak, staff, host, system   4 JSON of the default settings   5 JSON of the arguments
-- Returns JSON: {"seq": n, "id": id} (id absent: none), or {"error": code, "retry_after_ms": n}
--
-- In JSON null and empty lists are left out. A script is not rolled back, so each command makes all checks first, and its
-- first write is the event, the only step that can be refused (memory full).

local log, entities, facts, counts, meta, result = unpack(KEYS)
local actor, result_lifetime_ms, right = cjson.decode(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local args = cjson.decode(ARGV[5])

if result_lifetime_ms > 0 then
  local first_result = redis.call('GET', result)
  if first_result then return first_result end
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)  -- ms since 1970, by the one clock that a session has

local function finish(outcome)
  local json = cjson.encode(outcome)
  if result_lifetime_ms > 0 then redis.call('SET', result, json, 'PX', result_lifetime_ms) end
  return json
end

-- A refusal that is the first result for good.
local function reject(code)
  return finish({error = code})
end

-- A refusal that passes by itself or by what others do: the same command may come again.
local function reject_for_now(code, retry_after_ms)
  return cjson.encode({error = code, retry_after_ms = retry_after_ms})
end

local function done(id)
  return finish({seq = redis.call('XLEN', log), id = id})
end

local function get(kind, id)
  local json = redis.call('HGET', entities, kind .. ':' .. id)
  return json and cjson.decode(json) or nil
end

-- Append an event.
local function emit(kind, act, data)
  redis.call('XADD', log, string.format('%.0f-0', redis.call('XLEN', log) + 1), 'kind', kind, 'act', act,
    'at', string.format('%.0f', now), 'by', actor.id, 'name', actor.name, 'role', actor.role, 'data', cjson.encode(data))
end

-- Append an event that carries an entity, and keep the entity.
local function save(kind, act, entity)
  if entity.labels and #entity.labels == 0 then entity.labels = nil end
  emit(kind, act, entity)
  redis.call('HSET', entities, kind .. ':' .. entity.id, cjson.encode(entity))
end

-- The id of what the next event makes.
local function next_id(prefix)
  return string.format('%s%.0f', prefix, redis.call('XLEN', log) + 1)
end

local function count_of(field)
  return tonumber(redis.call('HGET', counts, field) or 0)
end

local function settings()
  return get('settings', 'settings') or cjson.decode(ARGV[4])
end

-- Whether the session holds `limit` of something already; `grown` says that it got another one.
local function full(kind, limit)
  return tonumber(redis.call('HGET', meta, 'n:' .. kind) or 0) >= limit
end

local function grown(kind)
  redis.call('HINCRBY', meta, 'n:' .. kind, 1)
end

-- Records of moderators about a person: under its id, or under what it wrote anonymously.
local function records_of(person)
  local found = {}
  for id in string.gmatch(redis.call('HGET', meta, 'records:' .. person) or '', '%S+') do
    found[#found + 1] = get('member', id)
  end
  return found
end

-- A bucket of `burst`, one more each `every_ms`; ms until it has one, 0 when it had and gave it.
local function throttle(what, every_ms, burst)
  local field = what .. ':' .. actor.id
  local full_at = math.max(now, tonumber(redis.call('HGET', meta, field) or 0))
  local wait = full_at - now - (burst - 1) * every_ms
  return every_ms == 0 and 0 or math.max(0, wait), function() redis.call('HSET', meta, field, string.format('%.0f', full_at + every_ms)) end
end

-- Why this person may not say this; nil if it may.
local function refusal_of_text()
  if actor.rank >= 2 or not args.screen then return nil end
  local screen = args.screen
  if screen.hosts and #screen.hosts > 0 and settings().links ~= 'all' then return 'link_blocked' end
  for _, block in ipairs(cjson.decode(redis.call('HGET', meta, 'blocks') or '[]')) do
    if block.link then
      for _, host in ipairs(screen.hosts or {}) do
        if host == block.text or host:sub(-#block.text - 1) == '.' .. block.text then return 'link_blocked' end
      end
    else
      for _, form in ipairs(block.inside and screen.squeezed or screen.words) do
        if form:find(block.form, 1, true) then return 'text_blocked' end
      end
    end
  end
  return nil
end

-- Who acts, and may it?
local FOREVER = 9999999999999  -- of muted_until; cjson writes 14 digits
local RANKS = {member = 1, moderator = 2, host = 3, system = 4}
local NEEDED = {read = 1, speak = 1, staff = 2, host = 3, system = 4}
actor.muted_until = 0
if actor.role ~= 'system' then
  local banned = actor.device and redis.call('HEXISTS', meta, 'banned:' .. actor.device) == 1
  for _, record in ipairs(records_of(actor.id)) do
    banned = banned or record.banned
    actor.muted_until = math.max(actor.muted_until, record.muted_until or 0)
    actor.role = record.role or actor.role
  end
  if banned and actor.role ~= 'host' then return reject_for_now('banned') end
end
actor.rank = RANKS[actor.role]
if actor.rank < NEEDED[right] then return reject('forbidden') end
if right == 'speak' and actor.muted_until > now then
  return reject_for_now('muted', actor.muted_until < FOREVER and actor.muted_until - now or nil)
end
