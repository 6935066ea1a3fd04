--- The one suggestion there is: shown, typed through, grown, taken or dropped.
local client = require('ide_agent.client')
local ghost = require('ide_agent.ghost')
local text = require('ide_agent.text')

local M = {}

---@class ide_agent.Suggestion
---@field client vim.lsp.Client
---@field bufnr integer
---@field id string
---@field command lsp.Command?
---@field version integer document version that `text` belongs to
---@field row integer where `text` starts, 0-based
---@field col integer bytes
---@field before string the line left of `col`
---@field text string the whole suggestion so far
---@field replaced string what it replaces right of the cursor
---@field tail string the line right of that
---@field taken integer UTF-16 units of the same suggestion that came before `text`
---@field shown boolean it was seen at least once
---@field visible boolean it is on the screen
---@field drawn? { tick: integer, row: integer, col: integer } for which text and cursor

---@type ide_agent.Suggestion?
local current

---@param bufnr integer
---@param row integer
---@return string
local function line_at(bufnr, row)
  return vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
end

--- An entry of the completion menu is selected: the menu has the word.
---@return boolean
local function menu_active()
  return vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected ~= -1
end

---@param suggestion ide_agent.Suggestion
---@param row integer
---@param col integer
---@return string? typed what stands between its start and that place; nil when the place is before its start
local function typed_to(suggestion, row, col)
  if row < suggestion.row or (row == suggestion.row and col < suggestion.col) then
    return nil
  end
  local lines = vim.api.nvim_buf_get_text(suggestion.bufnr, suggestion.row, suggestion.col, row, col, {})
  return table.concat(lines, '\n')
end

---@class ide_agent.View : ide_agent.Drawing
---@field typed string the part of the suggestion that is in the buffer

--- What of the suggestion is still ahead of the cursor.
---@param suggestion ide_agent.Suggestion
---@return ide_agent.View? view nil when the text no longer fits it
local function view(suggestion)
  if vim.api.nvim_get_current_buf() ~= suggestion.bufnr or not client.inserting() then
    return nil
  end
  local row, col = client.cursor()
  if line_at(suggestion.bufnr, suggestion.row):sub(1, suggestion.col) ~= suggestion.before then
    return nil
  end
  local typed = typed_to(suggestion, row, col)
  if not typed or not vim.startswith(suggestion.text, typed) then
    return nil
  end
  local line = line_at(suggestion.bufnr, row)
  local stop = #line - #suggestion.tail
  if stop < col or line:sub(stop + 1) ~= suggestion.tail then
    return nil
  end
  local rest, replaced = suggestion.text:sub(#typed + 1), line:sub(col + 1, stop)
  -- Something new stands right of the cursor, a bracket another plugin closed: fine if it was suggested too.
  if replaced ~= suggestion.replaced and not text.pieces(rest, replaced) then
    return nil
  end
  return { row = row, col = col, typed = typed, rest = rest, replaced = replaced, tail = suggestion.tail }
end

---@param suggestion ide_agent.Suggestion
---@param kind 'shown'|'acceptedPartly'|'dismissed'
---@param length? integer
local function report(suggestion, kind, length)
  suggestion.client:notify('ideAgent/inlineCompletion/event', {
    completionId = suggestion.id,
    kind = kind,
    acceptedLength = length,
  })
end

---@param suggestion ide_agent.Suggestion?
---@param passed? boolean the user looks further, which is no verdict on what shows
local function replace_current(suggestion, passed)
  if current and current.visible and not passed and not (suggestion and suggestion.id == current.id) then
    report(current, 'dismissed')
  end
  ghost.clear()
  current = suggestion
end

--- Draw the suggestion anew after the text, the cursor or the suggestion changed.
function M.refresh()
  if not current then
    return
  end
  local now = view(current)
  if not now then
    replace_current(nil)
    return
  end
  current.drawn = { tick = vim.api.nvim_buf_get_changedtick(current.bufnr), row = now.row, col = now.col }
  current.visible = now.rest ~= '' and not menu_active()
  if not current.visible then
    ghost.clear()
    return
  end
  ghost.draw(current.bufnr, now)
  if not current.shown then
    current.shown = true
    report(current, 'shown')
  end
end

---@class ide_agent.Answer
---@field text string
---@field range lsp.Range
---@field id string
---@field command? lsp.Command
---@field version integer

--- The one after what shows; after the last one comes the first again.
---@param answers ide_agent.Answer[]
---@return ide_agent.Answer? answer
---@return boolean passed what shows is another one of them
local function following(answers)
  for i, answer in ipairs(answers) do
    if #answers > 1 and current and current.visible and current.id == answer.id then
      return answers[i % #answers + 1], true
    end
  end
  return answers[1], false
end

--- Show what the server suggests for the text as it is now.
---@param answers ide_agent.Answer[] several when the user asked for another one
---@param from vim.lsp.Client
---@param bufnr integer the current buffer
function M.adopt(answers, from, bufnr)
  local answer, passed = following(answers)
  local row, at = client.cursor()
  if not answer or answer.range.start.line ~= row or answer.range['end'].line ~= row then
    replace_current(nil)
    return
  end
  local line = line_at(bufnr, row)
  local function byte(position)
    return vim.str_byteindex(line, from.offset_encoding, position.character, false)
  end
  local col, stop = math.min(byte(answer.range.start), at), math.max(byte(answer.range['end']), at)
  local old = current and current.id == answer.id and current or nil
  local typed = old and typed_to(old, row, col) or ''
  replace_current({
    client = from,
    bufnr = bufnr,
    id = answer.id,
    command = answer.command,
    version = answer.version,
    row = row,
    col = col,
    before = line:sub(1, col),
    text = text.normalize(answer.text),
    replaced = line:sub(at + 1, stop),
    tail = line:sub(stop + 1),
    taken = old and old.taken + text.utf16(typed) or 0,
    shown = old ~= nil and old.shown,
    visible = old ~= nil and old.visible,
  }, passed)
  M.refresh()
end

---@class ide_agent.More
---@field textDocument { uri: string, version: integer }
---@field completionId string
---@field insertText string
---@field range lsp.Range
---@field done boolean

--- The suggestion became longer. What belongs to another version of the text comes again, as an answer.
---@param more ide_agent.More
---@param client_id integer
function M.grow(more, client_id)
  if
    current
    and current.client.id == client_id
    and current.id == more.completionId
    and current.version == more.textDocument.version
  then
    current.text = text.normalize(more.insertText)
    M.refresh()
  end
end

--- Whether the text or the cursor changed since it was drawn.
---@return boolean
function M.outdated()
  if not current or not current.drawn then
    return false
  end
  local drawn, row, col = current.drawn, client.cursor()
  return drawn.tick ~= vim.api.nvim_buf_get_changedtick(current.bufnr) or drawn.row ~= row or drawn.col ~= col
end

---@return boolean
function M.visible()
  return current ~= nil and current.visible
end

--- Put the suggestion, or its next part, into the text; the caller breaks the undo sequence around it.
---@param part 'all'|'word'|'line'
function M.take(part)
  local now = current and view(current)
  if not current or not now or now.rest == '' then
    return
  end
  local inserted = part == 'all' and now.rest or text[part](now.rest)
  local rest = now.rest:sub(#inserted + 1)
  local stop = now.col + (rest == '' and #now.replaced or text.consumed(rest, now.replaced))
  local lines = text.lines(inserted)
  vim.api.nvim_buf_set_text(current.bufnr, now.row, now.col, now.row, stop, lines)
  local start = #lines == 1 and now.col or 0
  vim.api.nvim_win_set_cursor(0, { now.row + #lines, start + #lines[#lines] })
  if rest ~= '' then
    current.replaced = now.replaced:sub(stop - now.col + 1)
    report(current, 'acceptedPartly', current.taken + text.utf16(now.typed .. inserted))
    M.refresh()
    return
  end
  local taken = current
  current.visible = false
  replace_current(nil)
  if taken.command then
    client.execute(taken.client, taken.command.command, taken.command.arguments)
  end
end

--- Whether the cursor went away from the suggestion without a change of the text.
---@return boolean
function M.left()
  return M.outdated() and current.drawn.tick == vim.api.nvim_buf_get_changedtick(current.bufnr)
end

--- Drop the suggestion.
function M.drop()
  replace_current(nil)
end

return M
