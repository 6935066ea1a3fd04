--- A `progress` block.
local line = require('ide_agent.panel.line')
local messages = require('ide_agent.messages')
local text = require('ide_agent.panel.text')

local WIDEST = 40
local EIGHTHS = { '▏', '▎', '▍', '▌', '▋', '▊', '▉' }

---@param block table
---@param context ide_agent.panel.Context
---@return ide_agent.panel.Draft[]
return function(block, context)
  local width = math.max(math.min(WIDEST, math.floor(context.width * 0.4)), 4)
  local signs = math.floor(width / text.width('█'))
  local percent = type(block.percent) == 'number' and math.min(math.max(block.percent, 0), 100) or nil
  local eighths = math.floor(signs * 8 * (percent or 0) / 100)
  local bar = ('█'):rep(math.floor(eighths / 8)) .. (EIGHTHS[eighths % 8] or '')
  local draft = {
    { bar, 'IdeAgentPanelBar' },
    { text.row('░', width - text.width(bar)), 'IdeAgentPanelMuted' },
    key = 'bar',
  }
  if percent then
    local said = messages.get('panel_percent', { percent = ('%d'):format(percent) })
    table.insert(draft, { ' ' .. text.pad(said, 5, 'end') })
  end
  local detail = text.one_line(block.detail)
  if detail ~= '' then
    table.insert(draft, { '  ' .. detail, 'IdeAgentPanelMuted' })
  end
  local drafts = { { { text.one_line(block.label) }, key = 'label' }, draft }
  return vim.list_extend(drafts, line.button_lines(block.actions, context, { block = block.id }))
end
