--- Lines of a panel: pieces of text with their highlights, and what can be pressed in them.
local text = require('ide_agent.panel.text')

local M = {}

---@class ide_agent.panel.Action a button as the wire has it
---@field name string
---@field label string
---@field style? 'normal'|'primary'|'danger'
---@field confirm? string
---@field args? table<string, any>
---@field enabled? boolean

---@class ide_agent.panel.Target what can be pressed
---@field block string the block's id
---@field row? string the table row's id
---@field action? ide_agent.panel.Action
---@field letter? string that presses it
---@field actions? ide_agent.panel.Action[] of a table row
---@field field? table of a form
---@field form? table the form that the action submits
---@field url? string

---@class ide_agent.panel.Chunk
---@field [1] string one line of text
---@field [2]? string highlight group
---@field target? ide_agent.panel.Target

---@class ide_agent.panel.Draft a line before it is put together
---@field [integer] ide_agent.panel.Chunk
---@field key? string by which the cursor finds the line again
---@field group? string highlights the whole line
---@field target? ide_agent.panel.Target pressed anywhere on the line
---@field spans? ide_agent.panel.Span[] further highlights
---@field last? boolean a cursor here stays at the end of the block when it grows
---@field whole? fun(): string[] what the line had no room for

---@class ide_agent.panel.Span
---@field [1] integer first byte, 0-based
---@field [2] integer end, exclusive
---@field [3] string highlight group

---@class ide_agent.panel.Place
---@field from integer first byte, 0-based
---@field to integer end, exclusive
---@field target ide_agent.panel.Target

---@class ide_agent.panel.Line
---@field text string
---@field spans ide_agent.panel.Span[]
---@field places ide_agent.panel.Place[]
---@field key? string
---@field group? string
---@field target? ide_agent.panel.Target
---@field last? boolean
---@field whole? fun(): string[]

---@class ide_agent.panel.Context what a block is drawn with
---@field width integer cells
---@field letter fun(block: string, action: ide_agent.panel.Action, nth: integer, row?: boolean): string?
---@field values fun(form: table): table<string, any> what its fields hold now

--- Put the pieces together.
---@param draft ide_agent.panel.Draft
---@return ide_agent.panel.Line
function M.build(draft)
  local parts, spans, places, at = {}, {}, {}, 0
  for _, chunk in ipairs(draft) do
    local stop = at + #chunk[1]
    table.insert(parts, chunk[1])
    if chunk[2] and stop > at then
      table.insert(spans, { at, stop, chunk[2] })
    end
    if chunk.target then
      table.insert(places, { from = at, to = stop, target = chunk.target })
    end
    at = stop
  end
  local last = parts[#parts]
  if last and not draft[#draft][2] then
    parts[#parts] = text.trim_end(last)
  end
  return {
    text = table.concat(parts),
    spans = vim.list_extend(spans, draft.spans or {}),
    places = places,
    key = draft.key,
    group = draft.group,
    target = draft.target,
    last = draft.last,
    whole = draft.whole,
  }
end

local STYLES = {
  primary = 'IdeAgentPanelPrimary',
  danger = 'IdeAgentPanelDanger',
}

--- Buttons beside each other.
---@param actions ide_agent.panel.Action[]
---@param context ide_agent.panel.Context
---@param target ide_agent.panel.Target the rest of what each one's target says
---@return ide_agent.panel.Chunk[]
function M.buttons(actions, context, target)
  local chunks, names, letters = {}, {}, {}
  for _, action in ipairs(actions) do
    local enabled = action.enabled ~= false
    local name = tostring(action.name)
    names[name] = (names[name] or 0) + 1
    local letter = context.letter(target.block, action, names[name], target.row ~= nil)
    -- Two of a row may be called the same.
    letter = letter and not letters[letter] and letter or nil
    letters[letter or ''] = true
    if #chunks > 0 then
      table.insert(chunks, { '  ' })
    end
    table.insert(chunks, {
      ('[%s] %s'):format(enabled and (letter or '↵') or '-', text.one_line(action.label)),
      enabled and (STYLES[action.style] or 'IdeAgentPanelButton') or 'IdeAgentPanelMuted',
      target = enabled and vim.tbl_extend('force', target, { action = action, letter = letter }) or nil,
    })
  end
  return chunks
end

--- The same over as many lines as they need.
---@param actions any
---@param context ide_agent.panel.Context
---@param target ide_agent.panel.Target
---@return ide_agent.panel.Draft[]
function M.button_lines(actions, context, target)
  local drafts, used = {}, 0
  for _, chunk in ipairs(M.buttons(type(actions) == 'table' and actions or {}, context, target)) do
    local width = text.width(chunk[1])
    -- Only buttons are highlighted, not the gaps between them.
    if #drafts == 0 or (chunk[2] and used + width > context.width) then
      drafts[#drafts + 1], used = { key = 'buttons ' .. #drafts }, 0
    end
    table.insert(drafts[#drafts], chunk)
    used = used + width
  end
  return drafts
end

--- A heading above a block; none where it has no title.
---@param title any
---@return ide_agent.panel.Draft[]
function M.heading(title)
  local said = text.one_line(title)
  return said ~= '' and { { { said, 'IdeAgentPanelHeading' }, key = 'title' } } or {}
end

return M
