--- What an action of the user adds to a panel is brought into view; what comes by itself never is.
local place = require('ide_agent.panel.place')
local view = require('ide_agent.panel.view')

local M = {}

--- So long after the answer, in ms, something new is still taken for a consequence of it: changes come by a way
--- of their own, and may come later.
M.patience = 2000

---@class ide_agent.panel.Awaited
---@field titles table<string, string> of the blocks there were, by id
---@field cursor? ide_agent.panel.Anchor where the user was

---@param panel ide_agent.panel.Panel
---@return ide_agent.panel.Anchor?
local function cursor(panel)
  local win = view.window(panel.view.bufnr)
  return win and place.anchor(panel.view.drawn, vim.api.nvim_win_get_cursor(win)[1] - 1)
end

--- A block with another title shows something else.
---@param block table
---@return string
local function title(block)
  return type(block.title) == 'string' and block.title or ''
end

--- The user pressed something.
---@param panel ide_agent.panel.Panel
---@return ide_agent.panel.Awaited
function M.expect(panel)
  panel.awaited = { titles = vim.tbl_map(title, panel.state.blocks), cursor = cursor(panel) }
  return panel.awaited
end

--- The server answered.
---@param panel ide_agent.panel.Panel
---@param awaited ide_agent.panel.Awaited
---@param failed boolean
function M.answered(panel, awaited, failed)
  local function over()
    if panel.awaited == awaited then
      panel.awaited = nil
    end
  end
  if failed then
    over()
  else
    vim.defer_fn(over, M.patience)
  end
end

--- Lines of the window that these lines of the buffer take.
---@param win integer
---@param first integer 0-based
---@param last integer
---@return integer
local function height(win, first, last)
  return vim.api.nvim_win_text_height(win, { start_row = first, end_row = last }).all
end

--- Scroll so that as much as possible of these lines shows, and the first in any case. The cursor stays where it is
--- if it can.
---@param win integer
---@param first integer 0-based
---@param last integer
function M.scroll(win, first, last)
  local room = vim.api.nvim_win_get_height(win)
  -- Neovim keeps this distance to the cursor, whatever it is told.
  local apart = vim.api.nvim_get_option_value('scrolloff', { win = win })
  apart = math.min(apart, math.floor((room - 1) / 2))
  local row = vim.api.nvim_win_get_cursor(win)[1] - 1
  vim.api.nvim_win_call(win, function()
    local top, bottom = vim.fn.line('w0') - 1, vim.fn.line('w$') - 1
    if first >= top and last <= bottom then
      return
    end
    local stays = height(win, math.min(row, first), math.max(row, first)) + apart <= room
    if not stays then
      vim.api.nvim_win_set_cursor(win, { first + 1, 0 })
      row = first
    end
    local least, most = math.min(top, first), math.min(first, row - apart)
    while least < most and height(win, least, last) > room do
      least = least + 1
    end
    vim.fn.winrestview({ topline = least + 1 })
  end)
end

--- After the panel was drawn.
---@param panel ide_agent.panel.Panel
function M.look(panel)
  local awaited, now = panel.awaited, cursor(panel)
  if not awaited then
    return
  end
  local was = awaited.cursor
  if not now or not was or now.id ~= was.id or (now.key or now.offset) ~= (was.key or was.offset) then
    -- They went on to something else.
    panel.awaited = nil
    return
  end
  local row = 0
  for _, block in ipairs(panel.view.drawn) do
    local data = panel.state.blocks[block.id]
    -- The empty line below a block is not it.
    if data and #block.lines > 1 and awaited.titles[block.id] ~= title(data) then
      panel.awaited = nil
      M.scroll(assert(view.window(panel.view.bufnr)), row, row + #block.lines - 2)
      return
    end
    row = row + #block.lines
  end
end

return M
