-- Make a member a moderator, or the other way.
-- args: person, role; absent: what the token says. Returns the record; refuses with not_found, forbidden.

if args.role == 'host' then return reject('forbidden') end
local member, code = record()
if not member then return reject(code) end
if member.role == args.role then return done(member.id) end
member.role = args.role
keep('set_role', member)
return done(member.id)
