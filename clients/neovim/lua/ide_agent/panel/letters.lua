--- Which letter presses which button. A button keeps its letter for as long as its panel is open.
local M = {}

--- Letters that do nothing useful where no text can be changed.
local PLAIN = 'cdmoprstux'
-- For what does harm; for others when there are no more plain ones.
local CAPITAL = 'ACDFIJMOPRSTUX'
M.all = vim.split(PLAIN .. CAPITAL, '')

---@class ide_agent.panel.Letters
---@field of table<string, string> by the button's key
---@field taken table<string, true>

---@return ide_agent.panel.Letters
function M.new()
  return { of = {}, taken = {} }
end

--- Buttons of rows share the letter of their name, in all tables: it presses that of the row under the cursor.
---@param block string
---@param action ide_agent.panel.Action
---@param nth integer among its neighbours
---@param row? boolean
---@return string
local function key(block, action, nth, row)
  return table.concat({ row and '' or block, row and 'row' or tostring(nth), tostring(action.name) }, '\0')
end

--- The letter of a button.
---@param letters ide_agent.panel.Letters
---@param block string
---@param action ide_agent.panel.Action
---@param nth integer
---@param row? boolean
---@return string? letter nil when there are no more
function M.get(letters, block, action, nth, row)
  local id = key(block, action, nth, row)
  if not letters.of[id] then
    local harms = action.style == 'danger'
    local pool = harms and CAPITAL or PLAIN
    -- Of the name, not of the label: the same in every language.
    local name = tostring(action.name)
    local wanted = (harms and name:upper() or name:lower()):gsub('[^' .. pool .. ']', '') .. pool
    wanted = harms and wanted or wanted .. CAPITAL
    for letter in wanted:gmatch('.') do
      if not letters.taken[letter] then
        letters.of[id], letters.taken[letter] = letter, true
        break
      end
    end
  end
  return letters.of[id]
end

--- Free the letters of blocks that went away.
---@param letters ide_agent.panel.Letters
---@param present table<string, any> by block id
function M.prune(letters, present)
  for id, letter in pairs(letters.of) do
    local block = id:match('^[^%z]*')
    if block ~= '' and not present[block] then
      letters.of[id], letters.taken[letter] = nil, nil
    end
  end
end

return M
