-- Override the order for a question, or end that.
-- args: question, place; absent: by its votes. Returns the question; refuses with not_found, wrong_state.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
if question.state ~= 'queued' then return reject('wrong_state') end
if question.place == args.place then return done(question.id) end
question.place = args.place
save('question', 'set_place', question)
return done(question.id)
