--- Neovim 0.12 draws inline completions itself; it shows no growing suggestions and takes only whole ones.
local M = {}

---@return table?
local function api()
  return vim.lsp.inline_completion
end

---@return boolean
function M.available()
  return api() ~= nil
end

--- Whether Neovim draws in this buffer: by our option or by the user's own call.
---@param bufnr integer
---@return boolean
function M.draws(bufnr)
  local builtin = api()
  return builtin ~= nil and builtin.is_enabled({ bufnr = bufnr })
end

--- Hand a buffer to Neovim when the option says so.
---@param bufnr integer
---@param on boolean
function M.enable(bufnr, on)
  local builtin = api()
  if builtin and require('ide_agent.config').get().renderer == 'builtin' then
    builtin.enable(on, { bufnr = bufnr })
  end
end

--- Take the suggestion that Neovim shows.
---@return boolean taken
function M.accept()
  local builtin = api()
  return builtin ~= nil and builtin.get() == true
end

--- Show another suggestion; Neovim asks for them by itself.
function M.next()
  local builtin = api()
  if builtin then
    builtin.select()
  end
end

return M
