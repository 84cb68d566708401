-- The result of a closed draw, by the server, which computes it of what it reads (see draw/tickets.py).
-- args: draw, entries (their number when it was read), secret, digest, tickets, winners. Returns it; refuses with not_found,
-- wrong_state.

local draw = get('draw', args.draw)
if not draw then return reject('not_found') end
if draw.state == 'drawn' then return done(draw.id) end
if draw.state ~= 'closed' or count_of('entries:' .. draw.id) ~= args.entries then return reject_for_now('wrong_state') end
draw.state, draw.secret, draw.digest = 'drawn', args.secret, args.digest
draw.tickets = #args.tickets > 0 and args.tickets or nil
draw.winners = #args.winners > 0 and args.winners or nil
save('draw', 'drawn', draw)
return done(draw.id)
