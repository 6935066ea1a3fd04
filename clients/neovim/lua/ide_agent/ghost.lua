--- Draws one suggestion with extmarks; knows nothing of servers or keys.
local text = require('ide_agent.text')

local M = {}

M.namespace = vim.api.nvim_create_namespace('ide_agent')
M.highlight = 'IdeAgentGhost'

---@type integer?
local drawn_in

---@param bufnr integer
---@param row integer
---@param col integer
---@param options vim.api.keyset.set_extmark
local function mark(bufnr, row, col, options)
  options.hl_mode = 'combine'
  options.undo_restore = false
  vim.api.nvim_buf_set_extmark(bufnr, M.namespace, row, col, options)
end

---@class ide_agent.Drawing
---@field row integer 0-based
---@field col integer bytes, the cursor
---@field rest string the suggestion from the cursor on
---@field replaced string text right of the cursor that it replaces
---@field tail string the rest of the line

--- Show what accepting would make of the text, or as near as virtual text gets.
---@param bufnr integer in the current window
---@param drawing ide_agent.Drawing
function M.draw(bufnr, drawing)
  M.clear()
  drawn_in = bufnr
  local row, col = drawing.row, drawing.col
  local lines = text.lines(drawing.rest)
  local before = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, true)[1]:sub(1, col)
  local column = vim.fn.strdisplaywidth(before)
  local right = drawing.replaced .. drawing.tail

  local pieces = #lines == 1 and text.pieces(lines[1], drawing.replaced)
  if pieces then
    for _, piece in ipairs(pieces) do
      if piece.text ~= '' then
        local left = drawing.replaced:sub(1, piece.at)
        mark(bufnr, row, col + piece.at, {
          virt_text = { { text.expand(piece.text, vim.fn.strdisplaywidth(before .. left)), M.highlight } },
          virt_text_pos = 'inline',
        })
      end
    end
    return
  end

  local first = text.expand(lines[1], column)
  local virtual = { { first, M.highlight } }
  if #lines == 1 then
    table.insert(virtual, { drawing.tail })
  end
  if right ~= '' then
    local width = 0
    for _, chunk in ipairs(virtual) do
      width = width + vim.fn.strdisplaywidth(chunk[1], column + width)
    end
    table.insert(virtual, { (' '):rep(vim.fn.strdisplaywidth(right, column) - width) })
  end
  local below = {}
  for i = 2, #lines do
    local line = { { text.expand(lines[i], 0), M.highlight } }
    if i == #lines and drawing.tail ~= '' then
      table.insert(line, { text.expand(drawing.tail, vim.fn.strdisplaywidth(lines[i])) })
    end
    table.insert(below, line)
  end
  mark(bufnr, row, col, {
    virt_text = virtual,
    virt_text_pos = right == '' and 'inline' or 'overlay',
    virt_lines = #below > 0 and below or nil,
    virt_lines_overflow = 'scroll',
  })
end

--- Take the drawing away.
function M.clear()
  if drawn_in and vim.api.nvim_buf_is_valid(drawn_in) then
    vim.api.nvim_buf_clear_namespace(drawn_in, M.namespace, 0, -1)
  end
  drawn_in = nil
end

return M
