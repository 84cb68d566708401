-- A new question with no votes.
-- args: text, anonymous, product, day, screen. Returns the question; refuses with closed, forbidden, text_blocked,
-- link_blocked, rate_limited, too_many.

local rules = settings()
if actor.rank < 2 and not rules.asking then return reject_for_now('closed') end
if args.anonymous and not rules.anonymous then return reject_for_now('forbidden') end
local code = refusal_of_text()
if code then return reject(code) end
if full('question', 5000) then return reject('too_many') end
local wait, take = throttle('ask', rules.ask_every_s * 1000, 5)
if actor.rank < 2 and wait > 0 then return reject_for_now('rate_limited', wait) end

local id = next_id('q')
local before = redis.call('HEXISTS', meta, 'asked:' .. actor.id) == 1
save('question', 'ask', {
  id = id,
  text = args.text,
  author = {id = actor.id, name = actor.name},
  anonymous = args.anonymous or false,
  product = args.product,
  day = args.day,
  state = (rules.premoderation and actor.rank < 2) and 'received' or 'queued',
  first = not before,
  tier = actor.tier,
  asked_at = now,
})
set_votes(id, 0)
redis.call('HSET', meta, 'asked:' .. actor.id, 1)
take()
grown('question')
return done(id)
