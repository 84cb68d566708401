-- Take an announcement back, whether it was shown or not.
-- args: announcement. Returns it; refuses with not_found.

local announcement = get('announcement', args.announcement)
if not announcement or announcement.deleted then return reject('not_found') end
if announcement.state == 'withdrawn' then return done(announcement.id) end
announcement.state, announcement.pinned = 'withdrawn', false
save('announcement', 'announcement_withdraw', announcement)
return done(announcement.id)
