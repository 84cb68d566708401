-- Take one's own question back, until it is picked up.
-- args: question. Returns the question; refuses with not_found, forbidden, wrong_state.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
if question.author.id ~= actor.id then return reject('forbidden') end
if question.state == 'withdrawn' then return done(question.id) end
if question.state ~= 'received' and question.state ~= 'queued' then return reject('wrong_state') end

question.state = 'withdrawn'
save('question', 'withdraw', question)
return done(question.id)
