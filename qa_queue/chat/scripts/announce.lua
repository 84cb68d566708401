-- An announcement, now or later.
-- args: text, pinned, at; absent: now. Returns it; refuses with too_many.

if full('announcement', 500) then return reject('too_many') end
local later = args.at and args.at > now
local id = next_id('a')
save('announcement', 'announce', {
  id = id,
  text = args.text,
  pinned = args.pinned or false,
  state = later and 'scheduled' or 'shown',
  at = later and args.at or now,
})
grown('announcement')
return done(id)
