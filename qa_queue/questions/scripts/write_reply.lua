-- Answer in text.
-- args: question, text. Returns the reply; refuses with not_found, too_many.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
if full('reply', 5000) then return reject('too_many') end
local id = next_id('r')
local author = {id = actor.id, name = actor.name}
save('reply', 'write_reply', {id = id, question = question.id, author = author, text = args.text, at = now})
grown('reply')
return done(id)
