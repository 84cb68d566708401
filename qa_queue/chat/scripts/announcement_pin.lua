-- Pin an announcement, or not.
-- args: announcement, pinned. Returns it; refuses with not_found.

local announcement = get('announcement', args.announcement)
if not announcement or announcement.deleted then return reject('not_found') end
if announcement.pinned == args.pinned then return done(announcement.id) end
announcement.pinned = args.pinned
save('announcement', 'announcement_pin', announcement)
return done(announcement.id)
