-- A poll, as a draft.
-- args: kind, text, options (texts), max_choices, stars, results, correct (index). Returns the poll; refuses with bad_choice,
-- too_many.

local CHOICE = {single = true, multiple = true, ranking = true, quiz = true}
local options = {}
for n, text in ipairs(args.options or {}) do options[n] = {id = string.format('%d', n - 1), text = text} end
if CHOICE[args.kind] and #options < 2 then return reject('bad_choice') end
if not CHOICE[args.kind] and #options > 0 then return reject('bad_choice') end
if (args.kind == 'quiz') ~= (args.correct ~= nil) then return reject('bad_choice') end
if args.correct and args.correct >= #options then return reject('bad_choice') end
if full('poll', 300) then return reject('too_many') end

local id = next_id('p')
save('poll', 'poll_make', {
  id = id,
  kind = args.kind,
  text = args.text,
  options = #options > 0 and options or nil,
  max_choices = args.max_choices,
  stars = args.stars,
  results = args.results,
  state = 'draft',
  correct = args.correct and string.format('%d', args.correct),
})
grown('poll')
return done(id)
