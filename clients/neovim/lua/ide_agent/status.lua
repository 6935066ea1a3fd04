--- What the server says about itself, for the status line.
local client = require('ide_agent.client')
local messages = require('ide_agent.messages')

local M = {}

---@class ide_agent.Status
---@field state 'starting'|'ready'|'waiting'|'loading'|'downloading'|'noModel'|'off'|'error'
---@field model? string
---@field engine? string
---@field message? string
---@field progress? number 0–100
---@field text? string the model and its state in one line

---@type table<integer, ide_agent.Status>
local latest = {}

--- States in which the server answers with nothing for now.
local WAITING = { starting = true, waiting = true, loading = true, downloading = true, noModel = true }

--- The message of each state that is more than the name of the model.
local WORDS = {
  starting = 'starting',
  waiting = 'waiting',
  loading = 'loading',
  downloading = 'downloading',
  noModel = 'noModel',
  off = 'state_off',
  error = 'error',
}

---@param status ide_agent.Status
---@param client_id integer
function M.update(status, client_id)
  local before = latest[client_id]
  latest[client_id] = status
  if status.state == 'ready' and WAITING[before and before.state or 'starting'] then
    require('ide_agent.attach').ask_again(client_id)
  end
  vim.api.nvim_exec_autocmds('User', { pattern = 'IdeAgentStatus', modeline = false })
  vim.cmd.redrawstatus({ bang = true })
  require('ide_agent.download').update(status)
  if status.state == 'noModel' then
    require('ide_agent.first').tell()
  end
end

--- What the server said last.
---@return ide_agent.Status? status nil when none runs
function M.latest()
  local server = client.any()
  if not server then
    return nil
  end
  return latest[server.id] or { state = 'starting' }
end

--- What the server said about the state it is in.
---@return string?
function M.reason()
  local said = (M.latest() or {}).message
  return type(said) == 'string' and said ~= '' and said or nil
end

--- One short text.
---@return string
function M.text()
  local status = M.latest()
  if not status then
    return ''
  end
  local switched_off = not require('ide_agent.switch').get()
  local word = WORDS[switched_off and 'off' or status.state]
  local line = status.text or status.model or ''
  if not word then
    -- An empty name: there was one in memory, and it is gone.
    local without = messages.get(status.model == '' and 'noneLoaded' or 'ready')
    return 'IDE-Agent ' .. (line ~= '' and line or without)
  elseif status.progress and not switched_off then
    return ('IDE-Agent %s %d %%'):format(messages.get(word), status.progress)
  end
  return 'IDE-Agent ' .. messages.get(word)
end

return M
