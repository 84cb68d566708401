-- Do not answer a question, and tell its author why.
-- args: question, reason. Returns the question; refuses with not_found, wrong_state.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
if question.state ~= 'received' and question.state ~= 'queued' then return reject('wrong_state') end

question.state, question.reason = 'declined', args.reason
save('question', 'decline', question)
return done(question.id)
