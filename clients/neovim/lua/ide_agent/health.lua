--- :checkhealth ide_agent
local builtin = require('ide_agent.builtin')
local client = require('ide_agent.client')
local config = require('ide_agent.config')
local messages = require('ide_agent.messages')

local M = {}

--- How long to wait for each answer of the server, in ms.
M.patience = 10000

local EXAMPLE = "vim.lsp.config('ide_agent', { cmd = { '/path/to/ide-agent', 'lsp' } })"

--- A message of the health report.
---@param key string without health_
---@param values? table<string, any>
---@return string
local function say(key, values)
  return messages.get('health_' .. key, values)
end

local function check_program()
  local program = client.command()[1]
  if not program then
    vim.health.info(say('function'))
    return
  end
  local path = vim.fn.exepath(program)
  if path == '' then
    vim.health.error(
      say('not_executable', { program = program }),
      { say('install'), say('name_it', { code = EXAMPLE }) }
    )
    return
  end
  vim.health.ok(say('found', { path = path }))
end

local function check_options()
  local options = config.get()
  for _, problem in ipairs(config.problems) do
    vim.health.warn(messages.get('bad_option', { option = problem }))
  end
  if options.renderer == 'builtin' and not builtin.available() then
    vim.health.warn(say('no_builtin'))
  else
    vim.health.ok(say('drawn_' .. options.renderer))
  end
end

local function check_keys()
  for action, lhs in vim.spairs(config.get().keys or {}) do
    local plug = ('<Plug>(ide-agent-%s)'):format((action:gsub('_', '-')))
    if vim.fn.hasmapto(plug, 'i') == 1 then
      vim.health.ok(say('own_key', { action = action, key = plug }))
    elseif lhs then
      vim.health.ok(say('key', { action = action, key = lhs }))
    else
      vim.health.info(say('no_key', { action = action }))
    end
  end
end

---@param server vim.lsp.Client
---@param command string
---@return any result
---@return string? problem
local function ask(server, command)
  local params = { command = command, arguments = { vim.empty_dict() } }
  local answer, problem = server:request_sync('workspace/executeCommand', params, M.patience)
  if not answer then
    return nil, problem or say('no_answer')
  end
  return answer.result, answer.err and answer.err.message
end

local function check_server()
  local server = client.any()
  if not server then
    vim.health.warn(say('not_running'), { say('open_a_file') })
    return
  end
  local buffers = vim.tbl_count(server.attached_buffers)
  vim.health.ok(say('running', { buffers = buffers, encoding = server.offset_encoding }))
  local status, problem = ask(server, 'ideAgent.host.status')
  if problem then
    vim.health.error(say('no_host', { reason = problem }), { say('look_deeper') })
    return
  end
  vim.health.ok(say('host', status))
  local list, list_problem = ask(server, 'ideAgent.models.list')
  if list_problem then
    vim.health.error(say('models_failed', { reason = list_problem }))
  elseif #list.models == 0 then
    vim.health.warn(say('no_model'), { say('pull') })
  else
    for _, model in ipairs(list.models) do
      vim.health.ok(say(model.loaded and 'model_loaded' or 'model', model))
    end
  end
end

function M.check()
  vim.health.start('IDE-Agent: ' .. say('program'))
  check_program()
  vim.health.start('IDE-Agent: ' .. say('options'))
  check_options()
  check_keys()
  vim.health.start('IDE-Agent: ' .. say('server'))
  check_server()
end

return M
