--- How far a download is, in the command line: not everybody has our status in the status line.
local messages = require('ide_agent.messages')

local M = {}

local INTERVAL_MS = 500

---@type integer?
local told

---@param text string
local function echo(text)
  local mode = vim.api.nvim_get_mode()
  if (mode.mode == 'n' or mode.mode == 'i') and not mode.blocking then
    vim.api.nvim_echo({ { text } }, false, {})
  end
end

--- The server's status changed.
---@param status ide_agent.Status
function M.update(status)
  if status.state == 'downloading' and status.progress then
    local now = vim.uv.now()
    if not told or now - told >= INTERVAL_MS then
      told = now
      echo(('IDE-Agent: %s %d %%'):format(messages.get('downloading'), status.progress))
    end
  elseif status.state ~= 'downloading' and told then
    told = nil
    echo('')
  end
end

return M
