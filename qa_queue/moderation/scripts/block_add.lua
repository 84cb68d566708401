-- Block a word or a host of links.
-- args: text, link, form (the word as texts are searched for it), inside (found inside of words too). Returns the block;
-- refuses with too_many, text_empty.

if args.form == '' then return reject('text_empty') end
local blocks = listed()
for _, block in ipairs(blocks) do
  if block.form == args.form and block.link == args.link then return done(block.id) end
end
if #blocks >= 500 then return reject('too_many') end
local id = next_id('b')
save('block', 'block_add', {id = id, text = args.text, link = args.link, removed = false})
blocks[#blocks + 1] = {id = id, text = args.form, form = args.form, link = args.link, inside = args.inside}
keep_list(blocks)
return done(id)
