--- :IdeAgent {subcommand}
local client = require('ide_agent.client')
local messages = require('ide_agent.messages')
local switch = require('ide_agent.switch')

local M = {}

---@param lines string[]
local function show(lines)
  vim.api.nvim_echo({ { table.concat(lines, '\n') } }, true, {})
end

--- Whether the argument means this buffer only.
---@param argument string?
---@return integer?
local function scope(argument)
  return argument == 'buffer' and vim.api.nvim_get_current_buf() or nil
end

---@param on boolean
---@param bufnr integer?
local function turn(on, bufnr)
  switch.set(on, bufnr)
  local key = (on and 'on' or 'off') .. (bufnr and '_here' or '')
  if on and not switch.get() then
    key = key .. '_only'
  end
  messages.say(key)
end

---@param status table what GET /status of the host returns
---@return string[]
local function host_lines(status)
  local lines = { ('%s: %s, pid %s'):format(messages.get('label_host'), status.version, status.pid) }
  for _, engine in ipairs(status.engines or {}) do
    local state = messages.has(engine.state) and messages.get(engine.state) or engine.state
    table.insert(lines, ('%s: %s, %s'):format(messages.get('label_engine'), engine.model, state))
  end
  if #lines == 1 then
    table.insert(lines, messages.get('no_engine'))
  end
  return lines
end

--- A restart ends what the server works on, such as the build of an engine.
local function say_what_ends()
  local server = client.any()
  local work = server and vim.tbl_values(server.progress.pending) or {}
  if #work > 0 then
    messages.say('restart_ends', { work = table.concat(work, ', ') }, vim.log.levels.WARN)
  end
end

--- The server may ask whether a model is to come; once its progress begins, it comes.
---@param name string
local function say_when_it_begins(name)
  vim.api.nvim_create_autocmd('LspProgress', {
    group = vim.api.nvim_create_augroup('ide_agent.pull.' .. name, {}),
    pattern = 'begin',
    callback = function(event)
      local value = (event.data.params or {}).value or {}
      local server = vim.lsp.get_client_by_id(event.data.client_id)
      local is_it = server and server.name == client.name and (value.title or ''):find(name, 1, true)
      if is_it then
        messages.say('pulling', { name = name })
      end
      return is_it ~= nil and is_it ~= false
    end,
  })
end

---@class ide_agent.Subcommand
---@field run fun(argument: string?)
---@field complete? string[]|fun(): string[] the arguments that it takes
---@field open? boolean it takes others as well

---@type table<string, ide_agent.Subcommand>
M.subcommands = {
  status = {
    run = function()
      local here = messages.get(switch.get(0) and 'on_here_unless' or 'off_here')
      local status = require('ide_agent.status')
      local lines = { status.text() }
      if lines[1] == '' then
        messages.say('not_running', nil, vim.log.levels.WARN)
        return
      end
      -- Why it is as it is: the status line has no room for that.
      table.insert(lines, status.reason())
      table.insert(lines, here)
      client.call('ideAgent.host.status', nil, function(host)
        show(vim.list_extend(lines, host_lines(host)))
      end)
    end,
  },
  toggle = {
    complete = { 'buffer' },
    run = function(argument)
      local bufnr = scope(argument)
      turn(not switch.own(bufnr), bufnr)
    end,
  },
  enable = {
    complete = { 'buffer' },
    run = function(argument)
      turn(true, scope(argument))
    end,
  },
  disable = {
    complete = { 'buffer' },
    run = function(argument)
      turn(false, scope(argument))
    end,
  },
  log = {
    run = function()
      local path = require('ide_agent.paths').log()
      if not path then
        messages.say('no_log')
        return
      end
      vim.cmd.tabedit(vim.fn.fnameescape(path))
      vim.cmd.normal({ 'G', bang = true })
    end,
  },
  restart = {
    complete = { 'host' },
    run = function(argument)
      say_what_ends()
      if argument == 'host' then
        client.call('ideAgent.host.restart', nil, function()
          messages.say('host_restarted')
        end)
      else
        require('ide_agent.lifecycle').restart()
      end
    end,
  },
  models = {
    run = function()
      require('ide_agent.panel').open('hub')
    end,
  },
  routes = {
    run = function()
      require('ide_agent.panel').open('routes')
    end,
  },
  remote = {
    run = function()
      require('ide_agent.panel').open('remote')
    end,
  },
  panel = {
    complete = function()
      return require('ide_agent.panel').names()
    end,
    open = true,
    run = function(argument)
      require('ide_agent.panel').open(argument or 'hub')
    end,
  },
  pull = {
    complete = { 'starter' },
    open = true,
    run = function(argument)
      local name = argument or 'starter'
      say_when_it_begins(name)
      client.call('ideAgent.models.pull', { name = name }, function(result)
        if not result.name then
          -- It does not fit, and the user leaves it.
          messages.say('not_pulled', { name = name })
          return
        end
        messages.say('pulled', { name = result.name, size = math.floor(result.bytes / 1e6) })
      end)
    end,
  },
  native = {
    run = function()
      messages.say('building')
      client.call('ideAgent.engine.native', nil, function(result)
        messages.say(
          'built',
          { engine = result.engine, after = result.tokensPerSecond, before = result.before }
        )
      end)
    end,
  },
  health = {
    run = function()
      vim.cmd.checkhealth('ide_agent')
    end,
  },
}

---@return string[]
local function names()
  local all = vim.tbl_keys(M.subcommands)
  table.sort(all)
  return all
end

--- What is wrong with the arguments of a subcommand.
---@param subcommand ide_agent.Subcommand
---@param arguments string[]
---@return string? argument nil when nothing is
local function misplaced(subcommand, arguments)
  local first = arguments[1]
  local choices = subcommand.complete
  local known = not first
    or (type(choices) == 'table' and vim.list_contains(choices, first))
    or (subcommand.open and not vim.startswith(first, '-'))
  if known then
    return arguments[2]
  end
  return first
end

---@param name string
---@return string
local function usage(name)
  local choices = M.subcommands[name].complete
  return type(choices) == 'table' and ('%s [%s]'):format(name, table.concat(choices, '|')) or name
end

---@param command vim.api.keyset.create_user_command.command_args
function M.run(command)
  local name = command.fargs[1] or 'status'
  local subcommand = M.subcommands[name]
  if not subcommand then
    messages.say('bad_command', { name = name, names = table.concat(names(), ', ') }, vim.log.levels.ERROR)
    return
  end
  local wrong = misplaced(subcommand, vim.list_slice(command.fargs, 2))
  if wrong then
    messages.say('bad_argument', { argument = wrong, usage = usage(name) }, vim.log.levels.ERROR)
    return
  end
  subcommand.run(command.fargs[2])
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(line:sub(1, #line - #lead), '%s+', { trimempty = true })
  local subcommand = M.subcommands[words[2]]
  local choices = #words <= 1 and names() or (#words == 2 and subcommand and subcommand.complete) or {}
  if type(choices) == 'function' then
    choices = choices()
  end
  return vim.tbl_filter(function(choice)
    return vim.startswith(choice, lead)
  end, choices)
end

return M
