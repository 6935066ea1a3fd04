--- An `actions` block.
local line = require('ide_agent.panel.line')

---@param block table
---@param context ide_agent.panel.Context
---@return ide_agent.panel.Draft[]
return function(block, context)
  return line.button_lines(block.actions, context, { block = block.id })
end
