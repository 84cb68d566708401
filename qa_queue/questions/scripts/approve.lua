-- Let a received or declined question into the queue.
-- args: question. Returns the question; refuses with not_found, wrong_state.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
if question.state == 'queued' then return done(question.id) end
if question.state ~= 'received' and question.state ~= 'declined' then return reject('wrong_state') end

question.state, question.reason = 'queued', nil
save('question', 'approve', question)
return done(question.id)
