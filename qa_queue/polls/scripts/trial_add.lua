-- Something for "next trial".
-- args: text, poll; without a text, the option that leads the closed poll. Returns the entry; refuses with not_found,
-- wrong_state, bad_choice, too_many.

local text = args.text
if args.poll then
  local poll = get('poll', args.poll)
  if not poll or poll.deleted then return reject('not_found') end
  if poll.state ~= 'closed' then return reject('wrong_state') end
  local most = -1
  for _, option in ipairs(text and {} or poll.options or {}) do
    local votes = count_of('tally/' .. poll.id .. ':' .. option.id)
    if votes > most then most, text = votes, option.text end
  end
end
if not text then return reject('bad_choice') end
if full('trial', 300) then return reject('too_many') end
local id = next_id('n')
save('trial', 'trial_add', {id = id, text = text, poll = args.poll})
grown('trial')
return done(id)
