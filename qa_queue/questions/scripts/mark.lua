-- Correct the marks of an answer on the media clock.
-- args: question, answer_in, answer_out. Returns the question; refuses with not_found, wrong_state, bad_choice.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
if question.state ~= 'answered' then return reject('wrong_state') end
if args.answer_out < args.answer_in or args.answer_out > now then return reject('bad_choice') end
question.answer_in, question.answer_out = args.answer_in, args.answer_out
save('question', 'mark', question)
return done(question.id)
