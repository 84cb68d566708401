-- Let a person and its devices come back.
-- args: person or of. Returns the record; refuses with not_found, forbidden.

local member, code = record()
if not member then return reject(code) end
if not member.banned then return done(member.id) end
local devices = member.devices or {}
member.banned, member.devices = false, nil
keep('unban', member)
for _, device in ipairs(devices) do redis.call('HDEL', meta, 'banned:' .. device) end
return done(member.id)
