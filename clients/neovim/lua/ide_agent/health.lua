--- :checkhealth ide_agent
local builtin = require('ide_agent.builtin')
local client = require('ide_agent.client')
local config = require('ide_agent.config')

local M = {}

local WAIT_MS = 3000

local function check_program()
  local program = client.command()[1]
  if not program then
    vim.health.info('the server is started by a function of yours')
    return
  end
  local path = vim.fn.exepath(program)
  if path == '' then
    vim.health.error(('`%s` is not executable'):format(program), {
      'Install the server: see :help ide-agent-start',
      "or name it: `vim.lsp.config('ide_agent', { cmd = { '/path/to/ide-agent', 'lsp' } })`",
    })
    return
  end
  vim.health.ok('server: ' .. path)
end

local function check_options()
  local options = config.get()
  for _, problem in ipairs(config.problems) do
    vim.health.warn('option not understood: ' .. problem)
  end
  if options.renderer == 'builtin' and not builtin.available() then
    vim.health.warn('renderer = "builtin" needs Neovim 0.12; the plugin draws by itself here')
  else
    vim.health.ok('suggestions are drawn by ' .. (options.renderer == 'builtin' and 'Neovim' or 'the plugin'))
  end
end

local function check_keys()
  for action, lhs in pairs(config.get().keys or {}) do
    local plug = ('<Plug>(ide-agent-%s)'):format((action:gsub('_', '-')))
    if vim.fn.hasmapto(plug, 'i') == 1 then
      vim.health.ok(('%s: your own mapping to %s'):format(action, plug))
    elseif lhs then
      vim.health.ok(('%s: %s'):format(action, lhs))
    else
      vim.health.info(('%s has no key'):format(action))
    end
  end
end

---@param server vim.lsp.Client
---@param command string
---@return any result
---@return string? problem
local function ask(server, command)
  local params = { command = command, arguments = { vim.empty_dict() } }
  local answer, problem = server:request_sync('workspace/executeCommand', params, WAIT_MS)
  if not answer then
    return nil, problem or 'no answer'
  end
  return answer.result, answer.err and answer.err.message
end

local function check_server()
  local server = client.any()
  if not server then
    vim.health.warn('no server is running', { 'Open a file; if nothing happens, see :LspLog' })
    return
  end
  local buffers = vim.tbl_count(server.attached_buffers)
  vim.health.ok(('the server runs, %d buffer(s), positions in %s'):format(buffers, server.offset_encoding))
  local status, problem = ask(server, 'ideAgent.host.status')
  if problem then
    vim.health.error('the host does not answer: ' .. problem, { 'See :IdeAgent log and `ide-agent doctor`' })
    return
  end
  vim.health.ok(('host %s, pid %s'):format(status.version, status.pid))
  local list, list_problem = ask(server, 'ideAgent.models.list')
  if list_problem then
    vim.health.error('models: ' .. list_problem)
  elseif #list.models == 0 then
    vim.health.warn('there is no model yet', { 'Get the starter model: `:IdeAgent pull`' })
  else
    for _, model in ipairs(list.models) do
      vim.health.ok(('model %s%s'):format(model.name, model.loaded and ' (loaded)' or ''))
    end
  end
end

function M.check()
  vim.health.start('IDE-Agent: program')
  check_program()
  vim.health.start('IDE-Agent: options')
  check_options()
  check_keys()
  vim.health.start('IDE-Agent: server')
  check_server()
end

return M
