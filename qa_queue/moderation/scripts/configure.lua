-- Change settings; those that are not named stay.
-- args: any of the settings. Returns nothing.

local rules, changed = settings(), false
rules.id = 'settings'
for name, value in pairs(args) do
  if rules[name] ~= value then rules[name], changed = value, true end
end
if changed then save('settings', 'configure', rules) end
return done()
