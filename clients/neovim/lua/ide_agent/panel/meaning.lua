--- What pressing means at the cursor: lines come and go, and nobody should press what came there by itself.
local place = require('ide_agent.panel.place')

local M = {}

---@class ide_agent.panel.Shifted under the cursor of `win` something else came than the user went to
---@field win integer
---@field row integer 0-based
---@field col integer bytes
---@field other boolean of another row or block, so that a letter means something else, too

--- What is under the cursor; else the only thing on its line.
---@param view ide_agent.panel.View
---@param row integer 0-based
---@param col integer bytes
---@return ide_agent.panel.Target?
function M.target(view, row, col)
  local block, offset = place.at(view.drawn, row)
  local line = block and block.lines[offset + 1]
  if not line then
    return nil
  end
  for _, each in ipairs(line.places) do
    if col >= each.from and col < each.to then
      return each.target
    end
  end
  return line.target or (#line.places == 1 and line.places[1].target or nil)
end

---@class ide_agent.panel.Meant what pressing means at the cursor
---@field row integer 0-based
---@field col integer bytes
---@field whose string? the row or block that it belongs to; nil: there is nothing to press
---@field what string?

--- What it is in that window.
---@param view ide_agent.panel.View
---@param win integer
---@return ide_agent.panel.Meant
function M.meant(view, win)
  local at = vim.api.nvim_win_get_cursor(win)
  local target = M.target(view, at[1] - 1, at[2])
  local out = { row = at[1] - 1, col = at[2] }
  if target then
    local only = target.action or (target.actions and #target.actions == 1 and target.actions[1]) or nil
    out.whose = vim.json.encode({ target.block, target.row or '' })
    out.what =
      vim.json.encode({ only and only.name or '', only and only.args or {}, (target.field or {}).name or '' })
  end
  return out
end

--- Whether the user means what is under the cursor: not when it came there by itself, until they press once more.
---@param view ide_agent.panel.View
---@param letter? boolean they pressed that
---@return boolean
function M.means(view, letter)
  local shifted = view.shifted
  view.shifted = nil
  return not shifted
    or shifted.win ~= vim.api.nvim_get_current_win()
    or (letter == true and not shifted.other)
end

--- The cursor moved; by the user, unless it is where the drawing put it.
---@param view ide_agent.panel.View
function M.moved(view)
  local shifted = view.shifted
  if shifted and shifted.win == vim.api.nvim_get_current_win() then
    local at = vim.api.nvim_win_get_cursor(0)
    if at[1] - 1 ~= shifted.row or at[2] ~= shifted.col then
      view.shifted = nil
    end
  end
end

--- After the drawing: whether something else is under the cursor than before it.
---@param view ide_agent.panel.View
---@param win integer?
---@param before ide_agent.panel.Meant?
function M.watch(view, win, before)
  if not win or not before or not vim.api.nvim_win_is_valid(win) then
    return
  end
  local now, known = M.meant(view, win), view.shifted
  local other = now.whose ~= nil and now.whose ~= before.whose
  if other or known or (now.what ~= nil and now.what ~= before.what) then
    view.shifted = { win = win, row = now.row, col = now.col, other = other or (known or {}).other == true }
  end
end

return M
