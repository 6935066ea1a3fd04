--- Panels: what the server shows as data, in a buffer each. |ide-agent-panels|
local client = require('ide_agent.client')
local messages = require('ide_agent.messages')
local state = require('ide_agent.panel.state')

local M = {}

M.filetype = 'ide_agent_panel'

---@class ide_agent.panel.Panel
---@field client_id integer
---@field state ide_agent.panel.State
---@field view ide_agent.panel.View
---@field forms ide_agent.panel.Forms
---@field dirty? table<string, true> blocks to draw anew; nil: a drawing is not on its way
---@field awaited? ide_agent.panel.Awaited by the user, who pressed something
---@field asked boolean whether the whole is on its way

---@type table<string, ide_agent.panel.Panel>
local panels = {}

local group = vim.api.nvim_create_augroup('ide_agent.panel', {})

--- The panel that a buffer shows.
---@param bufnr? integer
---@return ide_agent.panel.Panel?
function M.get(bufnr)
  local wanted = bufnr or vim.api.nvim_get_current_buf()
  for _, panel in pairs(panels) do
    if panel.view.bufnr == wanted then
      return panel
    end
  end
end

--- Draw what changed, once for all changes that came together.
---@param panel ide_agent.panel.Panel
---@param changed string[]
function M.redraw(panel, changed)
  local waiting = panel.dirty ~= nil
  panel.dirty = panel.dirty or {}
  for _, id in ipairs(changed) do
    panel.dirty[id] = true
  end
  if waiting then
    return
  end
  vim.schedule(function()
    local dirty = panel.dirty
    panel.dirty = nil
    if vim.api.nvim_buf_is_valid(panel.view.bufnr) then
      require('ide_agent.panel.view').draw(panel, dirty)
      require('ide_agent.panel.reveal').look(panel)
    end
  end)
end

---@param id string
local function forget(id)
  local panel = panels[id]
  panels[id] = nil
  local server = panel and vim.lsp.get_client_by_id(panel.client_id)
  if server and not server:is_stopped() then
    server:notify('ideAgent/panel/close', { panel = id })
  end
end

---@param bufnr integer
---@param id string
local function watch(bufnr, id)
  local view = require('ide_agent.panel.view')
  ---@param events string[]
  ---@param action fun(panel: ide_agent.panel.Panel)
  local function on(events, action)
    vim.api.nvim_create_autocmd(events, {
      group = group,
      buffer = bufnr,
      callback = function()
        if panels[id] then
          action(panels[id])
        end
      end,
    })
  end
  on({ 'CursorMoved' }, function(panel)
    require('ide_agent.panel.meaning').moved(panel.view)
    view.hint(panel)
  end)
  on({ 'BufEnter' }, function(panel)
    panel.view.shifted = nil -- who comes sees what is there
    view.hint(panel)
  end)
  on({ 'BufWinEnter' }, view.fit)
  on({ 'BufReadCmd' }, function(panel)
    panel.view.drawn = {}
    view.draw(panel)
  end)
  on({ 'BufWipeout' }, function()
    forget(id)
  end)
end

vim.api.nvim_create_autocmd({ 'WinResized', 'VimResized' }, {
  group = group,
  callback = function()
    for _, panel in pairs(panels) do
      require('ide_agent.panel.view').fit(panel)
    end
  end,
})

---@param shown ide_agent.panel.State
---@param client_id integer
local function create(shown, client_id)
  require('ide_agent.panel.highlights').define()
  local window = require('ide_agent.panel.window')
  local bufnr = window.buffer('ide-agent://' .. shown.id)
  panels[shown.id] = {
    client_id = client_id,
    state = shown,
    view = require('ide_agent.panel.view').new(bufnr),
    forms = {},
    asked = false,
  }
  watch(bufnr, shown.id)
  require('ide_agent.panel.keys').map(bufnr)
  window.open(bufnr)
  require('ide_agent.panel.view').fit(panels[shown.id])
  vim.bo[bufnr].filetype = M.filetype
end

--- The server shows a whole panel.
---@param params { panel: table }
---@param client_id integer
function M.show(params, client_id)
  local shown = state.new(params.panel)
  local panel = panels[shown.id]
  if not panel then
    create(shown, client_id)
    return
  end
  for id, before in pairs(panel.state.blocks) do
    require('ide_agent.panel.form').renew(panel.forms, before, shown.blocks[id])
  end
  local changed = vim.list_extend({ '' }, shown.order)
  panel.client_id, panel.state, panel.asked = client_id, shown, false
  M.redraw(panel, changed)
end

--- The server changes one.
---@param params { id: string, revision: integer, ops: table[] }
---@param client_id integer
function M.patch(params, client_id)
  local panel = panels[params.id]
  if not panel or panel.asked or panel.client_id ~= client_id then
    return
  end
  local before = panel.state.blocks
  panel.state.blocks = vim.tbl_extend('keep', {}, before)
  local changed = state.apply(panel.state, params)
  if not changed then
    panel.asked = true
    M.open(params.id:match('^[^@]*'), false)
    return
  end
  for _, id in ipairs(changed) do
    require('ide_agent.panel.form').renew(panel.forms, before[id], panel.state.blocks[id])
  end
  M.redraw(panel, changed)
end

--- Show a panel.
---@param name string
---@param focus? boolean false: leave the cursor where it is
function M.open(name, focus)
  client.call('ideAgent.panels.open', { name = name }, function(result)
    local panel = panels[result.panel]
    local win = panel and require('ide_agent.panel.view').window(panel.view.bufnr)
    if win and focus ~= false and not client.inserting() then
      require('ide_agent.panel.window').enter(win)
    end
  end)
end

--- As the server named them last.
local names = { 'hub' }

--- The panels there are. Asks anew for the next time, for nobody wants to wait at <Tab>.
---@return string[]
function M.names()
  local server = client.any()
  if server then
    client.execute(server, 'ideAgent.panels.list', nil, function(result)
      if result then
        names = vim.tbl_map(function(panel)
          return panel.name
        end, result.panels)
      end
    end)
  end
  return names
end

--- A server came that knows nothing of the panels of the one before.
---@param server vim.lsp.Client
function M.adopt(server)
  for id, panel in pairs(panels) do
    local before = vim.lsp.get_client_by_id(panel.client_id)
    if panel.client_id ~= server.id and (not before or before:is_stopped()) then
      panel.client_id = server.id
      M.open(id:match('^[^@]*'), false)
    end
  end
end

---@param key string
---@param values? table<string, any>
function M.warn(key, values)
  messages.say(key, values, vim.log.levels.WARN)
end

return M
