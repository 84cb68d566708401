-- Change the text of one's own question, until it is picked up; with pre-moderation it must be approved again.
-- args: question, text, screen. Returns the question; refuses with not_found, forbidden, wrong_state, text_blocked, link_blocked.

local question = get('question', args.question)
if not question or question.deleted then return reject('not_found') end
if question.author.id ~= actor.id then return reject('forbidden') end
if question.state ~= 'received' and question.state ~= 'queued' then return reject('wrong_state') end
local code = refusal_of_text()
if code then return reject(code) end
if question.text == args.text then return done(question.id) end

question.text, question.edited_at = args.text, now
if settings().premoderation and actor.rank < 2 then question.state = 'received' end
save('question', 'edit', question)
return done(question.id)
