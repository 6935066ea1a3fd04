--- Where the server keeps its logs, as docs/reference/files.md has it.
local M = {}

--- A variable as the server sees it.
---@param name string
---@return string? value nil when it is not set or empty
local function variable(name)
  local config = vim.lsp.config[require('ide_agent.client').name] or {}
  local value = (config.cmd_env or {})[name] or vim.env[name]
  return value and value ~= '' and tostring(value) or nil
end

---@return string
local function state_dir()
  local home = variable('IDE_AGENT_HOME')
  if home then
    return vim.fs.joinpath(home, 'state')
  elseif vim.fn.has('win32') == 1 then
    return vim.fs.joinpath(variable('LOCALAPPDATA') or vim.fs.normalize('~/AppData/Local'), 'ide-agent')
  end
  local place = vim.fn.has('mac') == 1 and '~/Library/Application Support' or '~/.local/state'
  return vim.fs.joinpath(variable('XDG_STATE_HOME') or vim.fs.normalize(place), 'ide-agent')
end

--- The log to look into: the server's own; what a server wrote that did not come so far is in Neovim's.
---@return string? path nil when nothing was written yet
function M.log()
  return vim.iter({ vim.fs.joinpath(state_dir(), 'lsp.log'), vim.lsp.log.get_filename() }):find(function(path)
    return vim.uv.fs_stat(path) ~= nil
  end)
end

return M
