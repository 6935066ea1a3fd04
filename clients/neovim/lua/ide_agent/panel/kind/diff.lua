--- A `diff` block: a unified diff of one file.
local line = require('ide_agent.panel.line')
local text = require('ide_agent.panel.text')

local GROUPS = {
  ['+'] = 'IdeAgentPanelAdded',
  ['-'] = 'IdeAgentPanelRemoved',
  ['@'] = 'IdeAgentPanelHunk',
  ['\\'] = 'IdeAgentPanelMuted',
}

---@param block table
---@param context ide_agent.panel.Context
---@return ide_agent.panel.Draft[]
return function(block, context)
  local count, body, inside = { ['+'] = 0, ['-'] = 0 }, {}, false
  for _, said in ipairs(text.lines((text.string(block.patch):gsub('\n$', '')))) do
    local sign = said:sub(1, 1)
    -- The file's name stands above; what comes before the first hunk says it once more.
    inside = inside or vim.startswith(said, '@@')
    if inside then
      count[sign] = count[sign] and count[sign] + 1
      table.insert(body, { { said }, group = GROUPS[sign] })
    end
  end
  local drafts = {
    {
      { text.one_line(block.path), 'IdeAgentPanelHeading' },
      { ('  +%d'):format(count['+']), 'IdeAgentPanelSuccess' },
      { (' −%d'):format(count['-']), 'IdeAgentPanelError' },
      key = 'title',
    },
  }
  vim.list_extend(drafts, body)
  return vim.list_extend(drafts, line.button_lines(block.actions, context, { block = block.id }))
end
