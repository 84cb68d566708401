-- Say which question comes next.
-- args: question; absent: none. Returns the question; refuses with not_found, closed, wrong_state.

if args.question then
  local code = closed(get('question', args.question))
  if code then return reject(code) end
end
local at = pointer()
if at.next == args.question then return done(args.question) end
at.next = args.question
save('now', 'next_up', at)
return done(args.question)
