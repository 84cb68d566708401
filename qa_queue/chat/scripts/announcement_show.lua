-- Its time has come; by the server.
-- args: announcement. Returns it; refuses with not_found, wrong_state.

local announcement = get('announcement', args.announcement)
if not announcement then return reject('not_found') end
if announcement.state == 'shown' then return done(announcement.id) end
if announcement.state ~= 'scheduled' then return reject('wrong_state') end
if announcement.at > now then return reject_for_now('wrong_state') end
announcement.state = 'shown'
save('announcement', 'shown', announcement)
return done(announcement.id)
