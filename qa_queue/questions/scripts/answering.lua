-- Move the pointer to a question, or away from all. A question left behind is queued again, with its out mark.
-- args: question; absent: none. quick_s. media_at: the media clock, where there is one. Returns the question; refuses with not_found, closed, wrong_state.

local at = pointer()
local question
if args.question then
  question = get('question', args.question)
  local code = closed(question)
  if code then return reject(code) end
end
if args.question == at.question and not args.quick_s then return done(args.question) end

if at.question and at.question ~= args.question then
  local left = get('question', at.question)
  left.state, left.answer_out, left.media_out = 'queued', now, args.media_at
  save('question', 'answering', left)
end
if question and at.question ~= args.question then
  question.state, question.answer_in, question.answer_out = 'answering', now, nil
  question.media_in, question.media_out = args.media_at, nil
  save('question', 'answering', question)
end
save('now', 'answering', {
  id = 'now',
  question = args.question,
  since = question and question.answer_in,
  ['until'] = args.quick_s and now + args.quick_s * 1000,
  next = at.next ~= args.question and at.next or nil,
})
return done(args.question)
