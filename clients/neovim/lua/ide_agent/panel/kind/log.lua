--- A `log` block: its last lines.
local line = require('ide_agent.panel.line')
local text = require('ide_agent.panel.text')

local MOST_LINES = 1000
local MOST_BYTES = 200000

--- As a terminal would leave it: without colours, overwritten lines as they were last.
---@param said string
---@return string[]
local function settled(said)
  local lines = vim.split(said:gsub('\27%[[0-9;:?]*[ -/]*[@-~]', ''), '\n', { plain = true })
  return vim.tbl_map(function(one)
    local kept = one:find('\r', 1, true) and text.trim_end(one) or one
    return text.clean(kept:match('^.*\r(.*)$') or kept)
  end, lines)
end

---@param block table
---@return ide_agent.panel.Draft[]
return function(block)
  local drafts = line.heading(block.title)
  local whole = text.string(block.text)
  if #whole > MOST_BYTES then
    whole = whole:sub(-MOST_BYTES):gsub('^[^\n]*\n', '', 1)
  end
  local lines = settled((whole:gsub('\n$', '')))
  for number = math.max(#lines - MOST_LINES + 1, 1), #lines do
    table.insert(drafts, { { '│ ', 'IdeAgentPanelMuted' }, { lines[number] }, key = 'line ' .. number })
  end
  drafts[#drafts].last = true
  return drafts
end
