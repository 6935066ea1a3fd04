--- From blocks to lines.
local line = require('ide_agent.panel.line')
local messages = require('ide_agent.messages')
local text = require('ide_agent.panel.text')

local M = {}

local KINDS = { 'text', 'code', 'diff', 'table', 'form', 'progress', 'chart', 'image', 'log', 'actions' }

---@type table<string, fun(block: table, context: ide_agent.panel.Context): ide_agent.panel.Draft[]>
local draw = {}
for _, kind in ipairs(KINDS) do
  draw[kind] = require('ide_agent.panel.kind.' .. kind)
end

--- The lines of a block, an empty one below. One that this client does not know, or that is broken, says so.
---@param block table
---@param context ide_agent.panel.Context
---@return ide_agent.panel.Line[]
function M.block(block, context)
  local fine, drafts = pcall(draw[block.kind] or error, block, context)
  if not fine then
    local said = messages.get('panel_unknown', { kind = text.one_line(block.kind) })
    drafts = { { { said, 'IdeAgentPanelMuted' } } }
  end
  local lines = vim.tbl_map(line.build, drafts)
  if #lines > 0 then
    table.insert(lines, line.build({}))
  end
  return lines
end

--- The lines above all blocks.
---@param title any
---@return ide_agent.panel.Line[]
function M.title(title)
  return { line.build({ { text.one_line(title), 'IdeAgentPanelTitle' } }), line.build({}) }
end

return M
