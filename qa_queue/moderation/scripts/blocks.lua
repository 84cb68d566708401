-- What the two commands on blocked words share: the list in `meta`, which every text is held against.

local function listed()
  return cjson.decode(redis.call('HGET', meta, 'blocks') or '[]')
end

local function keep_list(blocks)
  redis.call('HSET', meta, 'blocks', #blocks > 0 and cjson.encode(blocks) or '[]')
end
