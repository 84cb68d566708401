-- Hide what somebody wrote, or show it again; `to` says which.
-- args: kind, id, to. Returns the entity; refuses with not_found, wrong_state (a question that is being answered).

local entity = get(args.kind, args.id)
if not entity then return reject('not_found') end
if (entity.deleted or false) == args.to then return done(entity.id) end
if args.kind == 'question' and entity.state == 'answering' then return reject('wrong_state') end
entity.deleted = args.to
save(args.kind, args.to and 'delete' or 'undelete', entity)
return done(entity.id)
