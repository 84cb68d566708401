-- What a ballot adds to the count of its poll: key -> number; nil where it does not fit.

local function is_option(poll, id)
  for _, option in ipairs(poll.options or {}) do
    if option.id == id then return true end
  end
  return false
end

local function points(poll, ballot)
  local kind, found = poll.kind, {}
  if kind == 'rating' then
    local stars = tonumber(ballot[1])
    if #ballot ~= 1 or not stars or stars < 1 or stars > poll.stars or stars % 1 ~= 0 then return nil end
    return {[string.format('%d', stars)] = 1}
  end
  if kind == 'words' or kind == 'open' then
    if #ballot > (kind == 'words' and 3 or 1) then return nil end
    for _, text in ipairs(ballot) do found[text] = 1 end
    return found
  end
  local most = (kind == 'multiple' and poll.max_choices) or (kind == 'ranking' and #poll.options) or 1
  if #ballot > most or (kind == 'ranking' and #ballot ~= most) then return nil end
  for n, id in ipairs(ballot) do
    if not is_option(poll, id) or found[id] then return nil end
    found[id] = kind == 'ranking' and #ballot - n or 1  -- Borda count
  end
  return found
end
