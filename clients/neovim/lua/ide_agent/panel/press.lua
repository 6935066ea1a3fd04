--- Pressing what a panel offers.
local client = require('ide_agent.client')
local form = require('ide_agent.panel.form')
local messages = require('ide_agent.messages')
local panels = require('ide_agent.panel')
local reveal = require('ide_agent.panel.reveal')
local text = require('ide_agent.panel.text')

local M = {}

--- What is on its way to the server, so that pressing twice is not doing twice.
---@type table<string, true>
local under_way = {}

---@param said any
---@param level vim.log.levels
local function tell(said, level)
  local message = text.clean(said)
  if message ~= '' then
    client.when_idle(function()
      messages.notify('IDE-Agent: ' .. message, level)
    end)
  end
end

---@param panel ide_agent.panel.Panel
---@param target ide_agent.panel.Target
---@param values table<string, any>
local function send(panel, target, values)
  local action = target.action --[[@as ide_agent.panel.Action]]
  local event = {
    action = action.name,
    block = target.block,
    row = target.row or '',
    args = action.args or vim.empty_dict(),
    values = values,
  }
  local key = vim.json.encode({ panel.client_id, panel.state.id, event })
  local server = vim.lsp.get_client_by_id(panel.client_id)
  if not server or server:is_stopped() then
    panels.warn('not_running')
    return
  elseif under_way[key] then
    return
  end
  under_way[key] = true
  local awaited = reveal.expect(panel)
  local params = { panel = panel.state.id, event = event }
  local sent = server:request('ideAgent/panel/event', params, function(failure, result)
    under_way[key] = nil
    reveal.answered(panel, awaited, failure ~= nil)
    if failure then
      tell(failure.message, vim.log.levels.ERROR)
      return
    end
    if target.form then
      form.sent(panel.forms, target.form)
      panels.redraw(panel, { target.form.id })
    end
    local answer = type(result) == 'table' and result or {}
    tell(answer.message, answer.level == 'warning' and vim.log.levels.WARN or vim.log.levels.INFO)
  end)
  if not sent then
    under_way[key] = nil
  end
end

--- Ask first where the action wants that.
---@param panel ide_agent.panel.Panel
---@param target ide_agent.panel.Target
---@param values table<string, any>
local function confirm(panel, target, values)
  local question = text.one_line(target.action.confirm)
  if question == '' then
    send(panel, target, values)
    return
  end
  local answers = { text.one_line(target.action.label), messages.get('panel_cancel') }
  vim.ui.select(answers, { prompt = question }, function(_, index)
    if index == 1 then
      send(panel, target, values)
    end
  end)
end

---@param panel ide_agent.panel.Panel
---@param target ide_agent.panel.Target
local function act(panel, target)
  local values = vim.empty_dict()
  if target.form then
    local filled, missing = form.wire(panel.forms, target.form)
    if not filled then
      panels.warn('panel_missing', { field = text.one_line(missing.label) })
      return
    end
    values = filled
  end
  confirm(panel, target, values)
end

--- A row's only button; of several the user chooses, whatever they are.
---@param panel ide_agent.panel.Panel
---@param target ide_agent.panel.Target
local function choose(panel, target)
  local actions = vim.tbl_filter(function(action)
    return action.enabled ~= false
  end, target.actions)
  if #target.actions == 1 and #actions == 1 then
    act(panel, vim.tbl_extend('force', target, { action = actions[1] }))
  elseif #actions > 0 then
    vim.ui.select(actions, {
      prompt = text.one_line(target.row),
      format_item = function(action)
        return text.one_line(action.label)
      end,
    }, function(action)
      if action then
        act(panel, vim.tbl_extend('force', target, { action = action }))
      end
    end)
  end
end

--- Press it.
---@param panel ide_agent.panel.Panel
---@param target ide_agent.panel.Target
function M.press(panel, target)
  if target.url then
    local _, failure = vim.ui.open(target.url)
    tell(failure, vim.log.levels.WARN)
  elseif target.field then
    local value = form.values(panel.forms, target.form)[target.field.name]
    form.edit(target.field, value, function(given)
      form.fill(panel.forms, target.form, target.field.name, given)
      panels.redraw(panel, { target.form.id })
    end)
  elseif target.action then
    act(panel, target)
  elseif target.actions then
    choose(panel, target)
  end
end

return M
