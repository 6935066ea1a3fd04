--- Asks the server for suggestions: one question at a time, its answer looked at only while it still fits.
local client = require('ide_agent.client')
local suggestion = require('ide_agent.suggestion')

local M = {}

---@alias ide_agent.Trigger 'automatic'|'invoked'
local KIND = { invoked = 1, automatic = 2 }

---@class ide_agent.Question
---@field client vim.lsp.Client
---@field id? integer
---@field trigger ide_agent.Trigger
---@field bufnr integer
---@field tick integer
---@field row integer
---@field col integer

---@type ide_agent.Question?
local pending

---@param client_ vim.lsp.Client
---@param trigger ide_agent.Trigger
---@return ide_agent.Question
local function question(client_, trigger)
  local row, col = client.cursor()
  local bufnr = vim.api.nvim_get_current_buf()
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  return { client = client_, trigger = trigger, bufnr = bufnr, tick = tick, row = row, col = col }
end

---@param one ide_agent.Question
---@param other ide_agent.Question
---@return boolean
local function same_place(one, other)
  return one.bufnr == other.bufnr and one.tick == other.tick and one.row == other.row and one.col == other.col
end

---@param result lsp.InlineCompletionList|lsp.InlineCompletionItem[]|nil
---@param version integer of the document as the server had it when it was asked; not the changedtick
---@return ide_agent.Answer[]
local function answers(result, version)
  local out = {}
  for _, item in ipairs(type(result) == 'table' and (result.items or result) or {}) do
    if item.range and type(item.insertText) == 'string' then
      local argument = item.command and item.command.arguments and item.command.arguments[1]
      table.insert(out, {
        text = item.insertText,
        range = item.range,
        id = type(argument) == 'table' and argument.completionId or '',
        command = item.command,
        version = version,
      })
    end
  end
  return out
end

--- Forget the question under way.
function M.cancel()
  if pending and pending.id then
    pending.client:cancel_request(pending.id)
  end
  pending = nil
end

--- Ask for a suggestion at the cursor.
---@param trigger ide_agent.Trigger
---@return boolean asked
function M.send(trigger)
  local server = client.get(0)
  if not server or not client.inserting() then
    M.cancel()
    return false
  end
  local mine = question(server, trigger)
  if pending and same_place(pending, mine) and pending.trigger == trigger then
    return true
  end
  M.cancel()
  pending = mine
  local params = vim.lsp.util.make_position_params(0, server.offset_encoding)
  ---@cast params lsp.InlineCompletionParams
  params.context = { triggerKind = KIND[trigger] }
  local _, id = server:request('textDocument/inlineCompletion', params, function(failure, result, ctx)
    if pending ~= mine then
      return
    end
    pending = nil
    if not client.inserting() or not same_place(question(server, trigger), mine) then
      return
    end
    suggestion.adopt(not failure and answers(result, ctx.version) or {}, server, mine.bufnr)
  end, mine.bufnr)
  mine.id = id
  return true
end

--- Forget the question when the cursor is no longer where it was asked.
function M.cursor_moved()
  if pending and not same_place(question(pending.client, pending.trigger), pending) then
    M.cancel()
  end
end

return M
