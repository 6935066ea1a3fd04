--- Wires a buffer to its suggestions: events and keys.
local builtin = require('ide_agent.builtin')
local client = require('ide_agent.client')
local keys = require('ide_agent.keys')
local request = require('ide_agent.request')
local suggestion = require('ide_agent.suggestion')
local switch = require('ide_agent.switch')

local M = {}

local group = vim.api.nvim_create_augroup('ide_agent.buffer', {})

local function text_changed()
  suggestion.refresh()
  if switch.automatic() and not builtin.draws(0) then
    request.send('automatic')
  else
    request.cancel()
  end
end

local function drop()
  request.cancel()
  suggestion.drop()
end

local HANDLERS = {
  TextChangedI = text_changed,
  TextChangedP = text_changed,
  -- The cursor is in its insert-mode place only after the event.
  InsertEnter = function(event)
    vim.schedule(function()
      if vim.api.nvim_get_current_buf() == event.buf and client.inserting() then
        text_changed()
      end
    end)
  end,
  CursorMovedI = function()
    request.cursor_moved()
    if suggestion.left() then
      suggestion.drop()
    end
  end,
  CompleteChanged = vim.schedule_wrap(suggestion.refresh),
  CompleteDone = vim.schedule_wrap(suggestion.refresh),
  InsertLeave = drop,
  BufLeave = drop,
  WinLeave = drop,
}

-- Keys that come in a burst are drawn before TextChangedI tells of them: no frame may show the ghost text of the
-- text before.
vim.api.nvim_set_decoration_provider(vim.api.nvim_create_namespace('ide_agent.redraw'), {
  on_start = function()
    if suggestion.outdated() then
      suggestion.refresh()
    end
  end,
})

--- One server serves every project: tell it of the folder this buffer belongs to.
---@param server vim.lsp.Client
---@param bufnr integer
local function add_folder(server, bufnr)
  local root = client.root(bufnr)
  if not root then
    return
  end
  local folder = { uri = vim.uri_from_fname(root), name = root }
  for _, known in ipairs(server.workspace_folders or {}) do
    if known.uri == folder.uri then
      return
    end
  end
  server.workspace_folders = vim.list_extend(server.workspace_folders or {}, { folder })
  server:notify('workspace/didChangeWorkspaceFolders', { event = { added = { folder }, removed = {} } })
end

---@param client_id integer
---@param bufnr integer
function M.on_attach(client_id, bufnr)
  local server = vim.lsp.get_client_by_id(client_id)
  if not server or server.name ~= client.name then
    return
  end
  add_folder(server, bufnr)
  switch.introduce(server)
  if package.loaded['ide_agent.panel'] then
    require('ide_agent.panel').adopt(server)
  end
  if not server:supports_method('textDocument/inlineCompletion', bufnr) then
    return
  end
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  for event, handler in pairs(HANDLERS) do
    vim.api.nvim_create_autocmd(event, { group = group, buffer = bufnr, callback = handler })
  end
  -- <C-c> leaves insert mode without InsertLeave.
  vim.api.nvim_create_autocmd('ModeChanged', {
    group = group,
    buffer = bufnr,
    callback = function()
      if not client.inserting() then
        drop()
      end
    end,
  })
  keys.map(bufnr)
  builtin.enable(bufnr, switch.get(bufnr))
  if vim.api.nvim_get_current_buf() == bufnr and client.inserting() then
    text_changed()
  end
end

---@param client_id integer
---@param bufnr integer
function M.on_detach(client_id, bufnr)
  local server = vim.lsp.get_client_by_id(client_id)
  if server and server.name ~= client.name then
    return
  end
  if vim.api.nvim_get_current_buf() == bufnr then
    drop()
  end
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  keys.unmap(bufnr)
end

--- The server can answer now what it could not before.
---@param client_id integer
function M.ask_again(client_id)
  local server = client.get(0)
  if server and server.id == client_id and client.inserting() and not suggestion.visible() then
    text_changed()
  end
end

--- Put changed options into effect.
function M.remap()
  for _, server in ipairs(vim.lsp.get_clients({ name = client.name })) do
    for bufnr in pairs(server.attached_buffers) do
      keys.map(bufnr)
    end
  end
end

return M
