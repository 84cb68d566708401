-- Allow a word or a host again.
-- args: block. Returns the block; refuses with not_found.

local block = get('block', args.block)
if not block then return reject('not_found') end
if block.removed then return done(block.id) end
block.removed = true
save('block', 'block_remove', block)
local kept = {}
for _, other in ipairs(listed()) do
  if other.id ~= block.id then kept[#kept + 1] = other end
end
keep_list(kept)
return done(block.id)
