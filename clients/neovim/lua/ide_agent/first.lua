--- On a machine without a model: where models are, said once and never again.
local client = require('ide_agent.client')
local messages = require('ide_agent.messages')

local M = {}

--- There when it was said.
---@return string
local function told()
  return vim.fs.joinpath(vim.fn.stdpath('state') --[[@as string]], 'ide_agent', 'told-of-models')
end

local waits = false

--- The server has no model.
function M.tell()
  if waits or vim.uv.fs_stat(told()) then
    return
  end
  waits = true
  client.when_idle(function()
    messages.notify('IDE-Agent: ' .. messages.get('no_model_yet'), vim.log.levels.INFO)
    -- Where nothing can be written it is said at each start.
    pcall(vim.fn.mkdir, vim.fs.dirname(told()), 'p')
    pcall(vim.fn.writefile, {}, told())
  end)
end

return M
