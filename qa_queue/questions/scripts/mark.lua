-- Correct the marks of an answer; those of the media clock move by as much.
-- args: question, answer_in, answer_out. Returns the question; refuses with not_found, wrong_state, bad_choice.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
if question.state ~= 'answered' then return reject('wrong_state') end
if args.answer_out < args.answer_in or args.answer_out > now then return reject('bad_choice') end
local function moved(mark, from, to) return mark and from and mark + to - from end
question.media_in = moved(question.media_in, question.answer_in, args.answer_in)
question.media_out = moved(question.media_out, question.answer_out, args.answer_out)
question.answer_in, question.answer_out = args.answer_in, args.answer_out
save('question', 'mark', question)
return done(question.id)
