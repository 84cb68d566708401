-- A person joins: what later commands must know of it. No event; run without a result.
-- Returns {"role": the one that counts}; refuses with banned.

local function note(field, value)
  if redis.call('HGET', meta, field) ~= value then redis.call('HSET', meta, field, value) end
end

note('name:' .. actor.id, actor.name)
note('role:' .. actor.id, args.token_role)
if actor.device then
  local field = 'devices:' .. actor.id
  local devices = redis.call('HGET', meta, field) or ''
  if not (' ' .. devices .. ' '):find(' ' .. actor.device .. ' ', 1, true) and #devices < 650 then
    redis.call('HSET', meta, field, devices == '' and actor.device or devices .. ' ' .. actor.device)
  end
end
return cjson.encode({seq = redis.call('XLEN', log), id = actor.role})
