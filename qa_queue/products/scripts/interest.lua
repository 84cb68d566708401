-- This person is interested in a product, once each way.
-- args: product, how: click or sample. Returns the product; refuses with not_found.

local product = get('product', args.product)
if not product or product.deleted then return reject('not_found') end
local subject = args.how == 'click' and 'c/' or 's/'
local fact = subject .. product.id .. ':' .. actor.id
if redis.call('HEXISTS', facts, fact) == 1 then return done(product.id) end
local clicks, samples = count_of('clicks:' .. product.id), count_of('samples:' .. product.id)
if args.how == 'click' then clicks = clicks + 1 else samples = samples + 1 end
emit('clicked', 'product_' .. args.how, {product = product.id, how = args.how, clicks = clicks, samples = samples})
redis.call('HSET', facts, fact, 1)
if args.how == 'click' then
  redis.call('HSET', counts, 'clicks:' .. product.id, clicks)
else
  redis.call('HSET', counts, 'samples:' .. product.id, samples)
end
return done(product.id)
