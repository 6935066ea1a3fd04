--- The buffer of a panel: puts lines into it, and only those that changed.
local draw = require('ide_agent.panel.draw')
local letters = require('ide_agent.panel.letters')
local meaning = require('ide_agent.panel.meaning')
local messages = require('ide_agent.messages')
local buttons = require('ide_agent.panel.line').buttons
local place = require('ide_agent.panel.place')
local text = require('ide_agent.panel.text')

local M = {}

local namespace = vim.api.nvim_create_namespace('ide_agent.panel')
local hint_namespace = vim.api.nvim_create_namespace('ide_agent.panel.hint')

---@class ide_agent.panel.View
---@field bufnr integer
---@field drawn ide_agent.panel.Drawn[]
---@field letters ide_agent.panel.Letters
---@field width integer cells
---@field shifted? ide_agent.panel.Shifted

---@param bufnr integer
---@return ide_agent.panel.View
function M.new(bufnr)
  return { bufnr = bufnr, drawn = {}, letters = letters.new(), width = 0 }
end

--- The window that shows the buffer; the current one if it does.
---@param bufnr integer
---@return integer?
function M.window(bufnr)
  local current = vim.api.nvim_get_current_win()
  return vim.api.nvim_win_get_buf(current) == bufnr and current or vim.fn.win_findbuf(bufnr)[1]
end

--- Cells that a line may take there.
---@param bufnr integer
---@return integer
function M.room(bufnr)
  local win = M.window(bufnr)
  local info = win and vim.fn.getwininfo(win)[1]
  -- Before the window is drawn Neovim does not know of its 'statuscolumn', a blank.
  return info and math.max(info.width - math.max(info.textoff, 1), 20) or 80
end

---@param one ide_agent.panel.Line
---@param other ide_agent.panel.Line
---@return boolean
local function looks_like(one, other)
  return one.text == other.text and one.group == other.group and vim.deep_equal(one.spans, other.spans)
end

---@param bufnr integer
---@param row integer 0-based
---@param line ide_agent.panel.Line
local function highlight(bufnr, row, line)
  if line.group then
    vim.api.nvim_buf_set_extmark(bufnr, namespace, row, 0, { line_hl_group = line.group })
  end
  for _, span in ipairs(line.spans) do
    if span[2] > span[1] then
      vim.api.nvim_buf_set_extmark(bufnr, namespace, row, span[1], { end_col = span[2], hl_group = span[3] })
    end
  end
end

--- Put `new` in place of `old`; what both begin and end with stays.
---@param bufnr integer
---@param start integer row of the first line, 0-based
---@param old ide_agent.panel.Line[]
---@param new ide_agent.panel.Line[]
local function replace(bufnr, start, old, new)
  local same, last = 0, 0
  local shortest = math.min(#old, #new)
  while same < shortest and looks_like(old[same + 1], new[same + 1]) do
    same = same + 1
  end
  while last < shortest - same and looks_like(old[#old - last], new[#new - last]) do
    last = last + 1
  end
  if same == #old and same == #new then
    return
  end
  local texts = {}
  for index = same + 1, #new - last do
    table.insert(texts, new[index].text)
  end
  vim.api.nvim_buf_clear_namespace(bufnr, namespace, start + same, start + #old - last)
  vim.api.nvim_buf_set_lines(bufnr, start + same, start + #old - last, false, texts)
  for index = same + 1, #new - last do
    highlight(bufnr, start + index - 1, new[index])
  end
end

---@param panel ide_agent.panel.Panel
---@return ide_agent.panel.Context
local function context(panel)
  return {
    width = panel.view.width,
    letter = function(block, action, nth, row)
      return letters.get(panel.view.letters, block, action, nth, row)
    end,
    values = function(form)
      return require('ide_agent.panel.form').values(panel.forms, form)
    end,
  }
end

---@param panel ide_agent.panel.Panel
---@param id string
---@return ide_agent.panel.Line[]
local function lines(panel, id)
  if id == '' then
    return draw.title(panel.state.title)
  end
  return draw.block(panel.state.blocks[id], context(panel))
end

--- Bring the buffer in line with the state.
---@param panel ide_agent.panel.Panel
---@param changed? table<string, true> blocks to draw anew; nil: all
function M.draw(panel, changed)
  local view, bufnr = panel.view, panel.view.bufnr
  local old, scenes = view.drawn, place.save(view.bufnr, view.drawn)
  local win = #old > 0 and M.window(bufnr) or nil
  local before = win and meaning.meant(view, win)
  vim.bo[bufnr].modifiable = true
  local drawn, start, at = {}, 0, 1
  local blocks = panel.state.blocks
  letters.prune(view.letters, blocks)
  for _, id in ipairs(vim.list_extend({ '' }, panel.state.order)) do
    -- Blocks that went away, or further down.
    while old[at] and old[at].id ~= id and (old[at].id ~= '' and not blocks[old[at].id]) do
      replace(bufnr, start, old[at].lines, {})
      at = at + 1
    end
    local before = old[at] and old[at].id == id and old[at].lines or nil
    local now = before and changed and not changed[id] and before or lines(panel, id)
    replace(bufnr, start, before or {}, now)
    at = before and at + 1 or at
    start = start + #now
    table.insert(drawn, { id = id, lines = now })
  end
  -- Those that are left, and the empty line that every buffer begins with.
  if vim.api.nvim_buf_line_count(bufnr) > start then
    vim.api.nvim_buf_set_lines(bufnr, start, -1, false, {})
  end
  vim.bo[bufnr].modifiable, vim.bo[bufnr].modified = false, false
  view.drawn = drawn
  place.restore(scenes, drawn)
  meaning.watch(view, win, before)
  M.hint(panel)
end

--- Draw everything anew if the window's width changed.
---@param panel ide_agent.panel.Panel
function M.fit(panel)
  local room = M.room(panel.view.bufnr)
  if room ~= panel.view.width then
    panel.view.width = room
    M.draw(panel)
  end
end

--- The line under the cursor.
---@param view ide_agent.panel.View
---@param row integer 0-based
---@return ide_agent.panel.Line?
function M.line(view, row)
  local block, offset = place.at(view.drawn, row)
  return block and block.lines[offset + 1]
end

--- The buttons of the table row under the cursor.
---@param panel ide_agent.panel.Panel
---@return ide_agent.panel.Chunk[]
---@return integer row 0-based
function M.row_buttons(panel)
  local win = M.window(panel.view.bufnr)
  local row = win and vim.api.nvim_win_get_cursor(win)[1] - 1 or 0
  local line = M.line(panel.view, row)
  local target = line and line.target
  return target and target.actions and buttons(target.actions, context(panel), target) or {}, row
end

--- Scroll until there is room for what is drawn below the line under the cursor; Neovim itself does not.
---@param win integer
---@param row integer 0-based
local function make_room(win, row)
  vim.api.nvim_win_call(win, function()
    local first = vim.fn.line('w0')
    local top, height = first, vim.api.nvim_win_get_height(win)
    local function is_full()
      return vim.api.nvim_win_text_height(win, { start_row = top - 1, end_row = row }).all >= height
    end
    while top <= row and is_full() do
      top = top + 1
    end
    if top > first then
      vim.fn.winrestview({ topline = top })
    end
  end)
end

--- Beside the table row under the cursor: its buttons. Beside the title: which key tells of all others.
---@param panel ide_agent.panel.Panel
function M.hint(panel)
  local view = panel.view
  vim.api.nvim_buf_clear_namespace(view.bufnr, hint_namespace, 0, -1)
  vim.api.nvim_buf_set_extmark(view.bufnr, hint_namespace, 0, 0, {
    virt_text = { { messages.get('panel_hint'), 'IdeAgentPanelMuted' } },
    virt_text_pos = 'right_align',
  })
  local found, row = M.row_buttons(panel)
  if #found == 0 then
    return
  end
  local width = text.width(assert(M.line(view, row)).text) + 2
  -- Neovim puts another blank before it.
  local virtual = { { ' ' } }
  for _, chunk in ipairs(found) do
    width = width + text.width(chunk[1])
    table.insert(virtual, { chunk[1], chunk[2] })
  end
  vim.api.nvim_buf_set_extmark(view.bufnr, hint_namespace, row, 0, {
    virt_text = width <= view.width and virtual or nil,
    virt_text_pos = 'eol',
    hl_mode = 'combine',
    virt_lines = width > view.width and { virtual } or nil,
  })
  local win = M.window(view.bufnr)
  if win and width > view.width then
    make_room(win, row)
  end
end

return M
