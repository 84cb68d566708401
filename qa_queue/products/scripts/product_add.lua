-- A product card.
-- args: title, picture, link, price. Returns it; refuses with too_many.

if full('product', 300) then return reject('too_many') end
local id = next_id('k')
save('product', 'product_add', {
  id = id,
  title = args.title,
  picture = args.picture,
  link = args.link,
  price = args.price,
  pinned = false,
})
grown('product')
return done(id)
