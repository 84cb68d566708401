-- Take no more votes; by staff, or by the server once the deadline is over.
-- args: poll. Returns the poll; refuses with not_found, wrong_state.

local poll = get('poll', args.poll)
if not poll then return reject('not_found') end
if poll.state == 'closed' then return done(poll.id) end
if poll.state ~= 'open' then return reject('wrong_state') end
if actor.role == 'system' and (not poll.deadline or poll.deadline > now) then return reject_for_now('wrong_state') end
poll.state = 'closed'
save('poll', actor.role == 'system' and 'closed' or 'poll_close', poll)
return done(poll.id)
