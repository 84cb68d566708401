-- Show one card instead of another.
-- args: product; absent: none. Returns it; refuses with not_found.

local product
if args.product then
  product = get('product', args.product)
  if not product or product.deleted then return reject('not_found') end
end
local pinned = redis.call('HGET', meta, 'pinned')
if (pinned or '') == (args.product or '') then return done(args.product) end
local left = pinned and pinned ~= '' and get('product', pinned)
if left then
  left.pinned = false
  save('product', 'product_pin', left)
end
if product then
  product.pinned = true
  save('product', 'product_pin', product)
end
redis.call('HSET', meta, 'pinned', args.product or '')
return done(args.product)
