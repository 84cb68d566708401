-- Send a person away, with the devices that it came with.
-- args: person or of. Returns the record; refuses with not_found, forbidden.

local member, code = record()
if not member then return reject(code) end
if member.banned then return done(member.id) end
member.banned = true
local devices = {}
for device in string.gmatch(redis.call('HGET', meta, 'devices:' .. member.person) or '', '%S+') do
  devices[#devices + 1] = device
end
member.devices = #devices > 0 and devices or nil
keep('ban', member)
for _, device in ipairs(devices) do redis.call('HSET', meta, 'banned:' .. device, member.id) end
send_off_stage('ban', member)
return done(member.id)
