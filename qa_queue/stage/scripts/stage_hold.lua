-- Hold the place of a person on stage while a page of theirs is open; after a while without one the place is free. Run by
-- every node, without a result.
-- args: person, here (whether this node has a page of theirs), hold_ms. Returns the person.

local hand, seen = get('hand', args.person), 'seen:' .. args.person
if not hand or hand.state ~= 'stage' then return done(args.person) end
if args.here then
  redis.call('HSET', meta, seen, string.format('%.0f', now))
elseif now - tonumber(redis.call('HGET', meta, seen) or 0) >= args.hold_ms then
  keep('stage_leave', hand, 'down')
end
return done(args.person)
