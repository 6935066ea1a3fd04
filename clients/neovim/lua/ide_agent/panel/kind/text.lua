--- A `text` block.
local markdown = require('ide_agent.panel.markdown')

--- What is more than a remark is marked, and not by its colour alone.
local LEVELS = {
  warning = { '! ', 'IdeAgentPanelWarning' },
  error = { '✗ ', 'IdeAgentPanelError' },
  success = { '✓ ', 'IdeAgentPanelSuccess' },
}

---@param block table
---@param context ide_agent.panel.Context
---@return ide_agent.panel.Draft[]
return function(block, context)
  local drafts = markdown.draw(block.markdown, block.id, context.width)
  local level = LEVELS[block.level]
  for number, draft in ipairs(level and drafts or {}) do
    for _, chunk in ipairs(draft) do
      chunk[2] = chunk[2] or level[2]
    end
    table.insert(draft, 1, { number == 1 and level[1] or '  ', level[2] })
  end
  return drafts
end
