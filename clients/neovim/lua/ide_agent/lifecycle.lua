--- Servers that end: replaced when they crash, and on request.
local client = require('ide_agent.client')
local messages = require('ide_agent.messages')

local M = {}

--- How long a server may take to leave before it is ended, in ms.
M.patience = 3000

local RESTARTS = 3
local LATELY_MS = 3 * 60 * 1000

--- When servers ended by themselves, in ms.
---@type integer[]
local crashes = {}

--- Clients that were asked to leave, until they have left.
---@type table<integer, true>
local leaving = {}

--- Those among them that the restart under way waits for; nil: none is under way.
---@type table<integer, true>?
local awaited

--- Whether a client is on its way out, so that no buffer may join it.
---@param client_id integer
---@return boolean
function M.leaving(client_id)
  return leaving[client_id] == true
end

-- Neovim 0.11 never again tells a server of changes to a buffer that was changed while no server had it: the next
-- server has to start before the next key is read.
local function start_anew()
  awaited = nil
  vim.lsp.enable(client.name)
  messages.say('restarted')
end

--- End the servers that did not leave by themselves. One that hangs may take a while over that too: its buffers are
--- taken from it now, so that its end touches nothing of its successor.
local function force()
  for id in pairs(awaited or {}) do
    local server = vim.lsp.get_client_by_id(id)
    if server then
      for _, bufnr in ipairs(vim.tbl_keys(server.attached_buffers)) do
        vim.lsp.buf_detach_client(bufnr, id)
      end
      server:stop(true)
    end
  end
  start_anew()
end

--- Start the server anew; called once more, without waiting for the old one to leave.
function M.restart()
  crashes = {}
  if awaited then
    force()
    return
  end
  local mine = {}
  awaited = mine
  local servers = vim.lsp.get_clients({ name = client.name, _uninitialized = true })
  vim.lsp.enable(client.name, false)
  for _, server in ipairs(servers) do
    if not leaving[server.id] then
      leaving[server.id], mine[server.id] = true, true
      if not server:is_stopped() then
        server:stop()
      end
    end
  end
  if not next(mine) then
    start_anew()
    return
  end
  vim.defer_fn(function()
    if awaited == mine then
      force()
    end
  end, M.patience)
end

--- Remember a crash.
---@return boolean lately too many of them
local function too_many_crashes()
  local now = vim.uv.now()
  crashes = vim.tbl_filter(function(time)
    return now - time < LATELY_MS
  end, crashes)
  table.insert(crashes, now)
  return #crashes > RESTARTS
end

--- A server ended: start the next one if that was asked for, or if this one ended by itself and does not keep on
--- doing so.
---@param code integer
---@param signal integer
---@param client_id integer
function M.exited(code, signal, client_id)
  if vim.v.exiting ~= vim.NIL then
    return
  end
  if leaving[client_id] then
    leaving[client_id] = nil
    if awaited and awaited[client_id] then
      awaited[client_id] = nil
      if not next(awaited) then
        vim.schedule(start_anew)
      end
    end
  elseif code ~= 0 or signal ~= 0 then
    local given_up = too_many_crashes()
    vim.schedule(function()
      if given_up then
        messages.say('gave_up', nil, vim.log.levels.ERROR)
      elseif vim.lsp.is_enabled(client.name) then
        vim.lsp.enable(client.name)
      end
    end)
  end
end

return M
