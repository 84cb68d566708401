-- What the commands on questions share.

-- A question that was picked up or is out of the queue, why it takes no more; nil if it does.
local function closed(question)
  if not question or question.deleted then return 'not_found' end
  if question.state ~= 'queued' and question.state ~= 'answering' then
    -- To others than its author and staff a received question is not there.
    if question.state == 'received' then return actor.rank >= 2 and 'wrong_state' or 'not_found' end
    return 'closed'
  end
  return nil
end

local function set_votes(id, votes)
  redis.call('HSET', counts, 'votes:' .. id, votes)
end

-- People who vote for a question, and how they came to: '1', or the id of the duplicate that they voted for.
local function voters(id)
  local prefix, found, cursor = 'v/' .. id .. ':', {}, '0'
  repeat
    local page = redis.call('HSCAN', facts, cursor, 'MATCH', prefix .. '*', 'COUNT', 1000)
    cursor = page[1]
    for n = 1, #page[2], 2 do found[page[2][n]:sub(#prefix + 1)] = page[2][n + 1] end
  until cursor == '0'
  return found
end

local function pointer()
  return get('now', 'now') or {id = 'now'}
end
