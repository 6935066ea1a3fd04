--- On and off: for the session, and for single buffers through vim.b.ide_agent.
local builtin = require('ide_agent.builtin')
local client = require('ide_agent.client')

local M = {}

local session = true

--- Clients whose server was told that suggestions are off.
---@type table<integer, true>
local told = {}

---@param server vim.lsp.Client
local function tell(server)
  told[server.id] = not session or nil
  client.execute(server, 'ideAgent.completion.toggle', { { enabled = session } })
end

--- Let a new server know what was switched before it came.
---@param server vim.lsp.Client
function M.introduce(server)
  if not session and not told[server.id] then
    tell(server)
  end
end

--- One switch alone, whatever the other says.
---@param bufnr? integer that of the buffer; nil: that of the session
---@return boolean
function M.own(bufnr)
  if bufnr then
    return vim.b[bufnr].ide_agent ~= false
  end
  return session
end

---@param bufnr? integer
---@return boolean
function M.get(bufnr)
  return session and M.own(bufnr or 0)
end

--- Whether to suggest without being asked, in the current buffer.
---@return boolean
function M.automatic()
  return M.get() and require('ide_agent.config').get().automatic and vim.fn.reg_executing() == ''
end

---@param on boolean
---@param bufnr? integer only there; nil: everywhere
function M.set(on, bufnr)
  if bufnr then
    vim.b[bufnr].ide_agent = on
    builtin.enable(bufnr, on)
  else
    session = on
    for _, server in ipairs(vim.lsp.get_clients({ name = client.name })) do
      tell(server)
      for attached in pairs(server.attached_buffers) do
        builtin.enable(attached, M.get(attached))
      end
    end
  end
  if not M.get() then
    require('ide_agent.request').cancel()
    require('ide_agent.suggestion').drop()
  end
end

return M
