-- End a draw without winners.
-- args: draw. Returns it; refuses with not_found, wrong_state.

local draw = get('draw', args.draw)
if not draw then return reject('not_found') end
if draw.state ~= 'open' then return reject('wrong_state') end
draw.state = 'cancelled'
save('draw', 'draw_cancel', draw)
return done(draw.id)
