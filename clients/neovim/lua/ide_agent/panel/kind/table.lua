--- A `table` block. The buttons of a row show beside it while the cursor is there; see panel/row.lua.
local line = require('ide_agent.panel.line')
local messages = require('ide_agent.messages')
local text = require('ide_agent.panel.text')

local GAP = 2
local NARROWEST = 6
--- What tells models of one family apart stands at the end of their names.
local NAME = 26
--- A number without its end is another one.
local NUMBER = 10
--- A last column with longer cells is prose: cut to a word or two it says nothing.
local PROSE = 40
local INDENT = '  '

--- Takes from the widest column what there is no room for: from the first, which names the row, only when
--- the others have given what they can.
---@param widths integer[]
---@param columns table[]
---@param room integer cells
local function shrink(widths, columns, room)
  local total = GAP * (#widths - 1)
  for _, width in ipairs(widths) do
    total = total + width
  end
  for _, kept in ipairs({ math.min(NAME, math.floor(room * 0.6)), NARROWEST }) do
    while total > room do
      local widest
      for index, width in ipairs(widths) do
        local least = index == 1 and kept or columns[index].align == 'end' and NUMBER or NARROWEST
        if width > least and (widest == nil or width > widths[widest]) then
          widest = index
        end
      end
      if widest == nil then
        break
      end
      widths[widest], total = widths[widest] - 1, total - 1
    end
  end
end

--- Cells that the buttons of a row take beside it.
---@param block table
---@param row table
---@param context ide_agent.panel.Context
---@return integer
local function buttons_width(block, row, context)
  local width = 0
  for _, action in ipairs(row.actions or {}) do
    -- They show later; their letters are given out from top to bottom.
    context.letter(block.id, action, 1, true)
    width = width + #'  [x] ' + text.width(text.one_line(action.label))
  end
  return width
end

---@param cells string[]
---@param columns table[]
---@param widths integer[]
---@return string
local function join(cells, columns, widths)
  local out = {}
  for index, cell in ipairs(cells) do
    table.insert(out, text.pad(cell, widths[index], columns[index].align))
  end
  return (table.concat(out, (' '):rep(GAP)):gsub(' +$', ''))
end

--- All cells of a row, below each other.
---@param columns table[]
---@param row table
---@return string[]
local function whole(columns, row)
  local out = {}
  for _, column in ipairs(columns) do
    local lines = text.lines(row.cells[column.key])
    table.insert(out, ('%s: %s'):format(text.one_line(column.label), lines[1]))
    vim.list_extend(out, vim.list_slice(lines, 2))
  end
  return out
end

--- How many columns stand beside each other: not the last one where it is prose and there is no room for it, which
--- stands below its row then.
---@param widths integer[] as wide as they would like to be
---@param columns table[]
---@param room integer cells
---@return integer
local function beside_each_other(widths, columns, room)
  local count = #widths
  local total = GAP * (count - 1)
  for _, width in ipairs(widths) do
    total = total + width
  end
  local is_prose = count > 1 and widths[count] > PROSE and columns[count].align ~= 'end'
  return is_prose and total > room and count - 1 or count
end

--- How much of a line the cells may take: buttons stand beside them where they take little of it and no cell but a
--- long name is cut for them; else below the row.
---@param widths integer[] as wide as they would like to be
---@param columns table[]
---@param context ide_agent.panel.Context
---@param beside integer cells that the buttons take
---@return integer cells
local function room_for_cells(widths, columns, context, beside)
  local room = context.width - beside
  local count = beside_each_other(widths, columns, room)
  local least = GAP * (count - 1) + math.min(widths[1] or 0, NAME)
  for index = 2, count do
    least = least + widths[index]
  end
  return beside <= context.width / 3 and least <= room and room or context.width
end

---@param block table
---@param context ide_agent.panel.Context
---@return ide_agent.panel.Draft[]
return function(block, context)
  local drafts = line.heading(block.title)
  if #block.rows == 0 then
    local said = text.one_line(block.empty)
    table.insert(drafts, { { said ~= '' and said or messages.get('panel_empty'), 'IdeAgentPanelMuted' } })
    return drafts
  end
  local labels, widths, rows, beside = {}, {}, {}, 0
  for index, column in ipairs(block.columns) do
    labels[index] = text.one_line(column.label)
    widths[index] = math.max(text.width(labels[index]), 1)
  end
  for number, row in ipairs(block.rows) do
    local cells = {}
    for index, column in ipairs(block.columns) do
      cells[index] = text.one_line(row.cells[column.key])
      widths[index] = math.max(widths[index], text.width(cells[index]))
    end
    rows[number] = cells
    beside = math.max(beside, buttons_width(block, row, context))
  end
  local room = room_for_cells(widths, block.columns, context, beside)
  local count = beside_each_other(widths, block.columns, room)
  local below = count < #widths
  widths, labels = vim.list_slice(widths, 1, count), vim.list_slice(labels, 1, count)
  shrink(widths, block.columns, room)
  local header = join(labels, block.columns, widths)
  table.insert(drafts, { { header, 'IdeAgentPanelHeader' }, key = 'header' })
  local total = GAP * (#widths - 1)
  for _, width in ipairs(widths) do
    total = total + width
  end
  table.insert(drafts, { { text.row('─', total), 'IdeAgentPanelMuted' }, key = 'rule' })
  for number, row in ipairs(block.rows) do
    local actions = row.actions or {}
    local function add(said, group, key)
      table.insert(drafts, {
        { said, group },
        key = key .. row.id,
        whole = function()
          return whole(block.columns, row)
        end,
        target = #actions > 0 and { block = block.id, row = row.id, actions = actions } or nil,
      })
    end
    local cells = rows[number]
    add(join(vim.list_slice(cells, 1, count), block.columns, widths), nil, 'row ')
    if below and cells[#cells] ~= '' then
      add(
        INDENT .. text.fit(cells[#cells], math.max(context.width - #INDENT, 1)),
        'IdeAgentPanelMuted',
        'below '
      )
    end
  end
  return drafts
end
