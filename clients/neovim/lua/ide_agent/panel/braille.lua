--- A plot in braille dots: two beside and four above each other in a cell.
local M = {}

--- The bit of each dot, by row and column within the cell.
local BITS = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } }

---@class ide_agent.panel.Canvas
---@field width integer cells
---@field height integer cells
---@field dots table<integer, integer> by cell
---@field owner table<integer, integer> who drew there last

---@param width integer cells
---@param height integer cells
---@return ide_agent.panel.Canvas
function M.new(width, height)
  return { width = width, height = height, dots = {}, owner = {} }
end

---@param canvas ide_agent.panel.Canvas
---@param x integer dots from the left
---@param y integer dots from the top
---@param owner integer
local function dot(canvas, x, y, owner)
  local cell = math.floor(y / 4) * canvas.width + math.floor(x / 2)
  canvas.dots[cell] = bit.bor(canvas.dots[cell] or 0, BITS[y % 4 + 1][x % 2 + 1])
  canvas.owner[cell] = owner
end

--- Draw from one dot to another.
---@param canvas ide_agent.panel.Canvas
---@param x0 integer
---@param y0 integer
---@param x1 integer
---@param y1 integer
---@param owner integer
function M.line(canvas, x0, y0, x1, y1, owner)
  local steps = math.max(math.abs(x1 - x0), math.abs(y1 - y0), 1)
  for step = 0, steps do
    local part = step / steps
    local x, y = math.floor(x0 + (x1 - x0) * part + 0.5), math.floor(y0 + (y1 - y0) * part + 0.5)
    dot(canvas, x, y, owner)
  end
end

--- One row of cells, as runs of the same owner.
---@param canvas ide_agent.panel.Canvas
---@param row integer 0-based
---@return { text: string, owner: integer? }[]
function M.row(canvas, row)
  local runs = {}
  for column = 0, canvas.width - 1 do
    local cell = row * canvas.width + column
    local char = canvas.dots[cell] and vim.fn.nr2char(0x2800 + canvas.dots[cell]) or ' '
    local last = runs[#runs]
    if last and last.owner == canvas.owner[cell] then
      last.text = last.text .. char
    else
      table.insert(runs, { text = char, owner = canvas.owner[cell] })
    end
  end
  return runs
end

return M
