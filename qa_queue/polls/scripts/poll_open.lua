-- Take votes, for the first time or again.
-- args: poll, for_s; absent: no deadline. Returns the poll; refuses with not_found, wrong_state.

local poll = get('poll', args.poll)
if not poll or poll.deleted then return reject('not_found') end
if poll.state == 'open' then return reject('wrong_state') end
poll.state, poll.opened_at = 'open', now
poll.deadline = args.for_s and now + args.for_s * 1000
save('poll', 'poll_open', poll)
return done(poll.id)
