-- End a mute.
-- args: person or of. Returns the record; refuses with not_found, forbidden.

local member, code = record()
if not member then return reject(code) end
if member.muted_until == 0 then return done(member.id) end
member.muted_until = 0
keep('unmute', member)
return done(member.id)
