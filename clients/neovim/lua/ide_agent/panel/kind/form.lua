--- A `form` block: a line for each field, and the button that sends them.
local line = require('ide_agent.panel.line')
local text = require('ide_agent.panel.text')

local NARROWEST, WIDEST = 12, 40
local MOST_LINES = 5

--- What a field shows.
---@param field table
---@param value any
---@return string[]
local function shown(field, value)
  if field.kind == 'check' then
    return { value == true and '[✓]' or '[ ]' }
  elseif field.kind == 'secret' then
    -- Not as many dots as it has letters.
    return { value ~= '' and ('•'):rep(8) or '' }
  elseif field.kind == 'choice' then
    for _, choice in ipairs(field.choices or {}) do
      if choice.value == value then
        return { text.one_line(choice.label) .. ' ▾' }
      end
    end
    return { text.one_line(value) .. ' ▾' }
  elseif field.kind == 'lines' then
    local lines = text.lines(value)
    if #lines > MOST_LINES then
      lines = vim.list_extend(vim.list_slice(lines, 1, MOST_LINES - 1), { '…' })
    end
    return lines
  elseif type(value) == 'number' then
    return { ('%.14g'):format(value) }
  end
  return { text.one_line(value) }
end

---@param block table
---@param context ide_agent.panel.Context
---@return ide_agent.panel.Draft[]
return function(block, context)
  local drafts = line.heading(block.title)
  local values = context.values(block)
  local left = 0
  local labels = vim.tbl_map(function(field)
    local label = text.one_line(field.label) .. (field.required and ' *' or '')
    left = math.max(left, text.width(label))
    return label
  end, block.fields)
  left = math.min(left, math.max(math.floor(context.width * 0.4), 4))
  local room = math.max(math.min(WIDEST, context.width - left - 4), NARROWEST)
  for index, field in ipairs(block.fields) do
    local target = { block = block.id, field = field, form = block }
    local width = field.kind == 'check' and 3 or room
    local hint = text.one_line(field.hint)
    local is_beside = left + width + 4 + text.width(hint) <= context.width
    for number, said in ipairs(shown(field, values[field.name])) do
      local draft = {
        { text.pad(number == 1 and labels[index] or '', left) .. '  ' },
        { text.pad(said, width), 'IdeAgentPanelField', target = number == 1 and target or nil },
        key = ('field %s %d'):format(field.name, number),
        target = target,
      }
      if number == 1 and hint ~= '' and is_beside then
        table.insert(draft, { '  ' .. hint, 'IdeAgentPanelMuted' })
      end
      table.insert(drafts, draft)
    end
    if hint ~= '' and not is_beside then
      local below = (' '):rep(left + 2)
      table.insert(
        drafts,
        { { below }, { hint, 'IdeAgentPanelMuted' }, key = 'hint ' .. field.name, target = target }
      )
    end
  end
  local target = { block = block.id, form = block }
  return vim.list_extend(drafts, line.button_lines({ block.submit }, context, target))
end
