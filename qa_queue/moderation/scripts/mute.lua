-- Let a person only read and vote; from the stage it goes.
-- args: person or of, for_s; absent: for good. Returns the record; refuses with not_found, forbidden.

local member, code = record()
if not member then return reject(code) end
member.muted_until = args.for_s and now + args.for_s * 1000 or FOREVER
keep('mute', member)
send_off_stage('mute', member)
return done(member.id)
