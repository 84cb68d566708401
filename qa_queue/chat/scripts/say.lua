-- A line of chat.
-- args: text, screen. Returns the line; refuses with closed, rate_limited (slow mode), text_blocked, link_blocked, too_many.

local rules = settings()
if actor.rank < 2 and not rules.chat then return reject_for_now('closed') end
local code = refusal_of_text()
if code then return reject(code) end
if full('chat', 20000) then return reject('too_many') end
-- Without slow mode still one a second, three at once.
local slow = rules.slow_mode_s > 0
local wait, take = throttle('say', slow and rules.slow_mode_s * 1000 or 1000, slow and 1 or 3)
if actor.rank < 2 and wait > 0 then return reject_for_now('rate_limited', wait) end

local id = next_id('c')
local author = {id = actor.id, name = actor.name}
save('chat', 'say', {id = id, author = author, role = actor.role, text = args.text, at = now})
take()
grown('chat')
return done(id)
