--- Which letter presses which button. A letter that was given belongs to its action for as long as the panel is
--- open: who learnt that it stops something must not start something else with it.
local M = {}

--- Letters that do nothing useful where no text can be changed.
local PLAIN = 'cdfmoprstux'
-- For what does harm; for others when there are no more plain ones.
local CAPITAL = 'ACDFIJMOPRSTUX'
M.all = vim.split(PLAIN .. CAPITAL, '')

--- So many letters for blocks with a button of the same name, that other names find some as well.
local MOST = 3

--- Names that read the same: a download is a download in all tables.
local SAME = { get = 'pull', hush = 'stop', close = 'forget', answered = 'forget' }

--- Of the panels that come with the server: the same whatever is drawn first. Those of one panel differ.
local KNOWN = {
  about = 'o',
  activate = 'c',
  add = 'u',
  again = 't',
  ask = 'A',
  deactivate = 'd',
  default = 'U',
  disable = 's',
  discard = 'D',
  down = 'd',
  enable = 'o',
  files = 'm',
  filter = 'F',
  forget = 'x',
  gc = 'C',
  key = 's',
  off = 'f',
  on = 'o',
  pull = 'p',
  remove = 'R',
  resume = 'r',
  search = 'S',
  stop = 's',
  test = 't',
  up = 'p',
  verify = 'f',
}
local RESERVED = {}
for _, letter in pairs(KNOWN) do
  RESERVED[letter] = true
end

---@class ide_agent.panel.Owner
---@field action string
---@field label string as it was last drawn

---@class ide_agent.panel.Letters
---@field of table<string, string> by the button's key
---@field used table<string, true> those of buttons that are there
---@field owner table<string, ide_agent.panel.Owner> by letter

---@return ide_agent.panel.Letters
function M.new()
  return { of = {}, used = {}, owner = {} }
end

--- The letters that an action would like to have, best first.
---@param name string
---@param harms boolean
---@param first boolean whether it has none yet
---@return string
local function wanted(name, harms, first)
  local known = KNOWN[name]
  if known and harms and not known:match('%u') then
    known = nil
  end
  -- Of the name, not of the label: the same in every language.
  local out = name:upper():gsub('[^' .. CAPITAL .. ']', '') .. CAPITAL
  if not harms then
    out = name:lower():gsub('[^' .. PLAIN .. ']', '') .. PLAIN .. out
  end
  if known then
    -- Where its own is taken, it leaves those of other known names alone while it can.
    local spare = out:gsub('.', function(letter)
      return RESERVED[letter] and '' or letter
    end)
    return (first and known or '') .. spare .. out
  end
  return out
end

---@param letters ide_agent.panel.Letters
---@param action string
---@return string? letter that the action has and no button uses
---@return integer count of those that it has
local function own(letters, action)
  local free, count = nil, 0
  for _, letter in ipairs(M.all) do
    local owner = letters.owner[letter]
    if owner and owner.action == action then
      count = count + 1
      free = free or (not letters.used[letter] and letter or nil)
    end
  end
  return free, count
end

--- The letter of a button. Buttons of rows share that of their name, in all tables: it presses that of the row
--- under the cursor.
---@param letters ide_agent.panel.Letters
---@param block string
---@param action ide_agent.panel.Action
---@param nth integer among those of its name beside it
---@param row? boolean
---@return string? letter nil when there are no more
function M.get(letters, block, action, nth, row)
  local name = SAME[action.name] or tostring(action.name)
  local harms = action.style == 'danger'
  local kind = table.concat({ name, row and 'row' or '', harms and 'harms' or '' }, '\0')
  local id = row and '\0' .. kind or table.concat({ block, nth, tostring(action.name), kind }, '\0')
  local letter = letters.of[id]
  if not letter then
    local count
    letter, count = own(letters, kind)
    for each in (count < MOST and wanted(name, harms, count == 0) or ''):gmatch('.') do
      letter = letter or (not letters.owner[each] and each or nil)
    end
    if not letter then
      return nil
    end
    letters.of[id], letters.used[letter] = letter, true
  end
  letters.owner[letter] = { action = kind, label = action.label }
  return letter
end

--- Blocks that went away use theirs no longer; others of the same name may.
---@param letters ide_agent.panel.Letters
---@param present table<string, any> by block id
function M.prune(letters, present)
  for id, letter in pairs(letters.of) do
    local block = id:match('^[^%z]*')
    if block ~= '' and not present[block] then
      letters.of[id], letters.used[letter] = nil, nil
    end
  end
end

--- What a letter was given to.
---@param letters ide_agent.panel.Letters
---@param letter string
---@return string? label
function M.label(letters, letter)
  local owner = letters.owner[letter]
  return owner and owner.label
end

return M
