--- A `chart` block, plotted in braille.
local braille = require('ide_agent.panel.braille')
local line = require('ide_agent.panel.line')
local messages = require('ide_agent.messages')
local text = require('ide_agent.panel.text')

local WIDEST, HEIGHT = 64, 8
local COLOURS = 6

---@param index integer
---@return string
local function colour(index)
  return 'IdeAgentPanelSeries' .. ((index - 1) % COLOURS + 1)
end

---@param value any
---@return boolean
local function finite(value)
  return type(value) == 'number' and value == value and math.abs(value) ~= math.huge
end

---@param value number
---@return string
local function number(value)
  return ((value == math.floor(value) and '%.6g' or '%.4g'):format(value):gsub('e%+0*', 'e'))
end

---@class ide_agent.panel.Bounds
---@field low number[] by axis
---@field high number[]

---@param all table[]
---@return number[][][] points of each series
---@return ide_agent.panel.Bounds? bounds nil when there is nothing to plot
local function read(all)
  local kept, bounds = {}, nil
  for index, series in ipairs(all) do
    kept[index] = vim.tbl_filter(function(point)
      return finite(point[1]) and finite(point[2])
    end, series.points)
    for _, point in ipairs(kept[index]) do
      bounds = bounds or { low = { point[1], point[2] }, high = { point[1], point[2] } }
      for axis = 1, 2 do
        bounds.low[axis] = math.min(bounds.low[axis], point[axis])
        bounds.high[axis] = math.max(bounds.high[axis], point[axis])
      end
    end
  end
  return kept, bounds
end

---@param points number[][]
---@param owner integer
---@param canvas ide_agent.panel.Canvas
---@param bounds ide_agent.panel.Bounds
local function plot(points, owner, canvas, bounds)
  local dots = { canvas.width * 2 - 1, canvas.height * 4 - 1 }
  ---@return integer
  local function place(point, axis)
    -- Halves, so that a span of two huge numbers is still finite.
    local span = bounds.high[axis] / 2 - bounds.low[axis] / 2
    local part = span > 0 and (point[axis] / 2 - bounds.low[axis] / 2) / span or 0.5
    return math.floor((axis == 2 and 1 - part or part) * dots[axis] + 0.5)
  end
  local x0, y0
  for _, point in ipairs(points) do
    local x, y = place(point, 1), place(point, 2)
    braille.line(canvas, x0 or x, y0 or y, x, y, owner)
    x0, y0 = x, y
  end
end

---@param all table[]
---@param points number[][][]
---@param width integer cells
---@return ide_agent.panel.Draft[]
local function legend(all, points, width)
  local drafts, used = {}, 0
  for index, series in ipairs(all) do
    local last = points[index][#points[index]]
    local said = text.fit(text.one_line(series.label), 40)
    local entry = ('━━ %s%s'):format(said, last and ' ' .. number(last[2]) or '')
    local more = text.width(entry) + 3
    if #drafts == 0 or used + more > width then
      drafts[#drafts + 1], used = { key = 'legend ' .. #drafts }, 0
    end
    vim.list_extend(drafts[#drafts], { { used > 0 and '   ' or '' }, { entry, colour(index) } })
    used = used + more
  end
  return drafts
end

---@param block table
---@param context ide_agent.panel.Context
---@return ide_agent.panel.Draft[]
return function(block, context)
  local drafts = line.heading(block.title)
  local y_label, x_label = text.one_line(block.y_label), text.one_line(block.x_label)
  local points, bounds = read(block.series)
  if not bounds then
    table.insert(drafts, { { messages.get('panel_empty'), 'IdeAgentPanelMuted' } })
    return drafts
  end
  if y_label ~= '' then
    table.insert(drafts, { { y_label, 'IdeAgentPanelMuted' } })
  end
  local top, bottom = number(bounds.high[2]), number(bounds.low[2])
  local left = math.max(#top, #bottom)
  local width = math.max(math.min(WIDEST, context.width - left - 2), 8)
  local canvas = braille.new(width, HEIGHT)
  for index, one in ipairs(points) do
    plot(one, index, canvas, bounds)
  end
  for row = 0, HEIGHT - 1 do
    local said = row == 0 and top or row == HEIGHT - 1 and bottom or ''
    local axis = ('%s %s'):format(text.pad(said, left, 'end'), said ~= '' and '┤' or '│')
    local draft = { { axis, 'IdeAgentPanelMuted' }, key = 'row ' .. row }
    for _, run in ipairs(braille.row(canvas, row)) do
      table.insert(draft, { run.text, run.owner and colour(run.owner) })
    end
    table.insert(drafts, draft)
  end
  local from, to = number(bounds.low[1]), number(bounds.high[1])
  local between = text.fit(x_label, math.max(width - #from - #to - 2, 1))
  local gap = math.max(width - #from - #to - text.width(between), 2)
  local before = math.floor(gap / 2)
  local foot = (' '):rep(left + 2) .. from .. (' '):rep(before) .. between .. (' '):rep(gap - before) .. to
  table.insert(drafts, { { (' '):rep(left + 1) .. '└' .. ('─'):rep(width), 'IdeAgentPanelMuted' } })
  table.insert(drafts, { { foot, 'IdeAgentPanelMuted' } })
  return vim.list_extend(drafts, legend(block.series, points, context.width))
end
