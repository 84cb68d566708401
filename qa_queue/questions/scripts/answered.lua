-- Mark a question as answered; clears the pointer if it stood there.
-- args: question. media_at: the media clock, where there is one. Returns the question; refuses with not_found, wrong_state.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
if question.state == 'answered' then return done(question.id) end
if question.state ~= 'queued' and question.state ~= 'answering' then return reject('wrong_state') end

local at = pointer()
question.state = 'answered'
if at.question == question.id then question.answer_out, question.media_out = now, args.media_at end
save('question', 'answered', question)
if at.question == question.id then save('now', 'answered', {id = 'now', next = at.next}) end
return done(question.id)
