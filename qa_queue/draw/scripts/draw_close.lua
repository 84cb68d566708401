-- Take no more entries.
-- args: draw. Returns it; refuses with not_found, wrong_state.

local draw = get('draw', args.draw)
if not draw then return reject('not_found') end
if draw.state ~= 'open' then return reject('wrong_state') end
draw.state = 'closed'
save('draw', 'draw_close', draw)
return done(draw.id)
