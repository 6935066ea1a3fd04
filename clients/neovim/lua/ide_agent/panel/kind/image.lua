--- An `image` block: a terminal shows what is said of it.
local messages = require('ide_agent.messages')
local pixels = require('ide_agent.panel.pixels')
local text = require('ide_agent.panel.text')

---@param value any
---@return string
local function number(value)
  return type(value) == 'number' and ('%.6g'):format(value) or '?'
end

---@param bytes integer
---@return string
local function size(bytes)
  return bytes < 10000 and ('%d B'):format(bytes) or ('%d kB'):format(bytes / 1000)
end

---@param block table
---@return ide_agent.panel.Draft[]
return function(block)
  local image = pixels.read(text.string(block.source))
  local facts = {}
  if image then
    table.insert(facts, image.format:upper())
    if image.width and image.height then
      table.insert(facts, ('%d × %d'):format(image.width, image.height))
    end
    table.insert(facts, size(image.bytes))
  end
  local said = messages.get('panel_image', { alt = text.one_line(block.alt) })
  local drafts = { { { said }, { '  ' .. table.concat(facts, ', '), 'IdeAgentPanelMuted' }, key = 'title' } }
  for index, box in ipairs(block.boxes or {}) do
    table.insert(drafts, {
      { ('  %d. '):format(index), 'IdeAgentPanelMuted' },
      { text.one_line(box.label) },
      {
        ('  %s, %s  %s × %s'):format(number(box.x), number(box.y), number(box.width), number(box.height)),
        'IdeAgentPanelMuted',
      },
      key = 'box ' .. index,
    })
  end
  return drafts
end
