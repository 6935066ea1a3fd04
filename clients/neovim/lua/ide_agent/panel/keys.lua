--- Keys in a panel: pressing, and jumping from one thing that can be pressed to the next.
local letters = require('ide_agent.panel.letters')
local meaning = require('ide_agent.panel.meaning')
local panels = require('ide_agent.panel')
local text = require('ide_agent.panel.text')
local view = require('ide_agent.panel.view')

local M = {}

---@class ide_agent.panel.Stop where the cursor can press something
---@field row integer 0-based
---@field col integer bytes
---@field target ide_agent.panel.Target

--- All of them, from top to bottom.
---@param panel ide_agent.panel.Panel
---@return ide_agent.panel.Stop[]
function M.stops(panel)
  local stops, row = {}, 0
  for _, block in ipairs(panel.view.drawn) do
    for _, line in ipairs(block.lines) do
      for _, place in ipairs(line.places) do
        table.insert(stops, { row = row, col = place.from, target = place.target })
      end
      if #line.places == 0 and line.target and not line.target.field then
        table.insert(stops, { row = row, col = 0, target = line.target })
      end
      row = row + 1
    end
  end
  return stops
end

--- What is under the cursor; else the only thing on its line.
---@param panel ide_agent.panel.Panel
---@return ide_agent.panel.Target?
function M.target(panel)
  local at = vim.api.nvim_win_get_cursor(0)
  return meaning.target(panel.view, at[1] - 1, at[2])
end

---@param panel ide_agent.panel.Panel
---@param step 1|-1
---@param fits? fun(target: ide_agent.panel.Target): boolean
---@return boolean found
local function jump(panel, step, fits)
  local at = vim.api.nvim_win_get_cursor(0)
  local stops = vim.tbl_filter(function(stop)
    return not fits or fits(stop.target)
  end, M.stops(panel))
  local chosen
  for index = step == 1 and 1 or #stops, step == 1 and #stops or 1, step do
    local stop = stops[index]
    local ahead = (stop.row - at[1] + 1) * step
    if ahead > 0 or (ahead == 0 and (stop.col - at[2]) * step > 0) then
      chosen = stop
      break
    end
  end
  chosen = chosen or stops[step == 1 and 1 or #stops]
  if chosen then
    vim.api.nvim_win_set_cursor(0, { chosen.row + 1, chosen.col })
  end
  return chosen ~= nil
end

--- The buttons that a letter presses now: all that show.
---@param panel ide_agent.panel.Panel
---@return ide_agent.panel.Target[]
function M.shortcuts(panel)
  local out = {}
  local function add(target)
    if target and target.letter then
      table.insert(out, target)
    end
  end
  for _, block in ipairs(panel.view.drawn) do
    for _, line in ipairs(block.lines) do
      for _, place in ipairs(line.places) do
        add(place.target)
      end
    end
  end
  for _, chunk in ipairs((view.row_buttons(panel))) do
    add(chunk.target)
  end
  return out
end

---@param panel ide_agent.panel.Panel
local function press(panel)
  local target = M.target(panel)
  if target and not meaning.means(panel.view) then
    panels.warn('panel_shifted')
  elseif target then
    require('ide_agent.panel.press').press(panel, target)
  end
end

---@param panel ide_agent.panel.Panel
local function edit(panel)
  local target = M.target(panel)
  if target and target.field then
    require('ide_agent.panel.press').press(panel, target)
    return
  end
  local found = jump(panel, 1, function(each)
    return each.field ~= nil
  end)
  if not found then
    panels.warn('panel_no_field')
  end
end

--- Press the button with this letter.
---@param panel ide_agent.panel.Panel
---@param letter string
function M.press_letter(panel, letter)
  for _, shortcut in ipairs(M.shortcuts(panel)) do
    if shortcut.letter == letter then
      if shortcut.row and not meaning.means(panel.view, true) then
        panels.warn('panel_shifted')
      else
        require('ide_agent.panel.press').press(panel, shortcut)
      end
      return
    end
  end
  local label = letters.label(panel.view.letters, letter)
  if label then
    panels.warn('panel_letter', { letter = letter, label = text.one_line(label) })
  elseif letter == 'I' or letter == 'A' then
    edit(panel)
  end
end

--- Show the whole row under the cursor, whose cells may be cut in the table.
---@param panel ide_agent.panel.Panel
local function whole(panel)
  local line = view.line(panel.view, vim.api.nvim_win_get_cursor(0)[1] - 1)
  local lines = line and line.whole and line.whole() or {}
  if #lines > 0 then
    vim.lsp.util.open_floating_preview(lines, '', { border = 'rounded', focus_id = 'ide_agent.panel' })
  end
end

--- The keys, apart from the letters, in the order in which `?` tells of them.
---@type { keys: string[], message: string, action: fun(panel: ide_agent.panel.Panel) }[]
M.keys = {
  { keys = { '<CR>', '<2-LeftMouse>' }, message = 'panel_key_press', action = press },
  {
    keys = { '<Tab>' },
    message = 'panel_key_next',
    action = function(panel)
      jump(panel, 1)
    end,
  },
  {
    keys = { '<S-Tab>' },
    message = 'panel_key_previous',
    action = function(panel)
      jump(panel, -1)
    end,
  },
  { keys = { 'i', 'a' }, message = 'panel_key_edit', action = edit },
  { keys = { 'K' }, message = 'panel_key_whole', action = whole },
  {
    keys = { '?' },
    message = 'panel_key_help',
    action = function(panel)
      require('ide_agent.panel.help').open(panel)
    end,
  },
  {
    keys = { 'q' },
    message = 'panel_key_close',
    action = function(panel)
      require('ide_agent.panel.window').leave(panel.view.bufnr)
    end,
  },
}

local INSERT = { 'gi', 'gI', '<Insert>' }
--- Keys that change text: Neovim would answer them with E21.
local CHANGE = { '<Del>', '~', '.', '&', '<lt>', '>', '=', '<C-a>', '<C-x>', '<C-r>' }
M.inert = vim.iter({ letters.all, { 'i', 'a' }, INSERT, CHANGE }):flatten():totable()

--- Map them in a panel's buffer.
---@param bufnr integer
function M.map(bufnr)
  ---@param lhs string
  ---@param action fun(panel: ide_agent.panel.Panel)
  local function map(lhs, action)
    vim.keymap.set('n', lhs, function()
      local panel = panels.get(bufnr)
      if panel then
        action(panel)
      end
    end, { buffer = bufnr, nowait = true, desc = 'IDE-Agent' })
  end
  for _, key in ipairs(M.keys) do
    for _, lhs in ipairs(key.keys) do
      map(lhs, key.action)
    end
  end
  for _, lhs in ipairs(INSERT) do
    map(lhs, edit)
  end
  for _, lhs in ipairs(CHANGE) do
    map(lhs, function() end)
  end
  for _, letter in ipairs(letters.all) do
    map(letter, function(panel)
      M.press_letter(panel, letter)
    end)
  end
end

return M
