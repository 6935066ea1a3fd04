--- The language client: starting it, finding it, calling the server's commands.
local M = {}

M.name = 'ide_agent'

--- LSP names of languages that Neovim calls otherwise.
local LANGUAGE_IDS = {
  [''] = 'plaintext',
  text = 'plaintext',
  bash = 'shellscript',
  sh = 'shellscript',
  zsh = 'shellscript',
  cs = 'csharp',
  dosbatch = 'bat',
  gitcommit = 'git-commit',
  gitrebase = 'git-rebase',
  make = 'makefile',
  objc = 'objective-c',
  objcpp = 'objective-cpp',
  ps1 = 'powershell',
  tex = 'latex',
}

---@return integer row 0-based
---@return integer col bytes
function M.cursor()
  local at = vim.api.nvim_win_get_cursor(0)
  return at[1] - 1, at[2]
end

--- Plain insert mode: not Replace, not <C-o>.
---@return boolean
function M.inserting()
  return vim.startswith(vim.api.nvim_get_mode().mode, 'i')
end

--- Run `action` now, or when the user stops typing.
---@param action fun()
function M.when_idle(action)
  if not M.inserting() then
    vim.schedule(action)
    return
  end
  vim.api.nvim_create_autocmd('ModeChanged', {
    pattern = 'i*:n*',
    once = true,
    callback = vim.schedule_wrap(action),
  })
end

--- Run `action` when no key was pressed for 'updatetime' and Neovim waits for one in normal mode.
---@param action fun()
function M.when_resting(action)
  local timer = assert(vim.uv.new_timer())
  local keys = vim.api.nvim_create_namespace('')
  local function wait()
    timer:start(
      vim.o.updatetime,
      0,
      vim.schedule_wrap(function()
        local mode = vim.api.nvim_get_mode()
        if mode.mode ~= 'n' or mode.blocking then
          return -- another key will come
        elseif not timer:is_closing() and not timer:is_active() then
          timer:close()
          vim.on_key(nil, keys)
          action()
        end
      end)
    )
  end
  vim.on_key(wait, keys)
  wait()
end

---@param filetype string
---@return string
function M.language_id(filetype)
  return LANGUAGE_IDS[filetype] or filetype
end

--- The command that starts the server.
---@return string[]
function M.command()
  local config = vim.lsp.config[M.name]
  return config and type(config.cmd) == 'table' and config.cmd or {}
end

---@param bufnr integer
---@return boolean
local function ordinary(bufnr)
  return vim.bo[bufnr].buftype == '' and vim.bo[bufnr].modifiable
end

---@param bufnr integer
---@param on_dir fun(root: string?)
function M.root_dir(bufnr, on_dir)
  if ordinary(bufnr) then
    on_dir(M.root(bufnr))
  end
end

---@param bufnr integer
---@return string?
function M.root(bufnr)
  return vim.fs.root(bufnr, vim.lsp.config[M.name].root_markers or {})
end

---@param params lsp.InitializeParams
function M.before_init(params)
  local config = require('ide_agent.config').get()
  local options = type(params.initializationOptions) == 'table' and params.initializationOptions or {}
  options.language = options.language or require('ide_agent.messages').language()
  params.initializationOptions = options
  params.capabilities.experimental = vim.tbl_deep_extend('keep', params.capabilities.experimental or {}, {
    ideAgent = { inlineCompletionMore = config.renderer == 'own', status = true, panels = true },
  })
end

--- Neovim starts servers when a file type is set and says nothing when their program is missing: serve buffers
--- that have no type, and say what is wrong.
---@param bufnr integer
function M.ensure(bufnr)
  if not ordinary(bufnr) or not vim.lsp.is_enabled(M.name) then
    return
  end
  local program = M.command()[1]
  if program and vim.fn.executable(program) == 0 then
    require('ide_agent.messages').say_once('no_server', { program = program }, vim.log.levels.WARN)
  elseif vim.bo[bufnr].filetype == '' and #vim.lsp.get_clients({ name = M.name, bufnr = bufnr }) == 0 then
    local config = vim.deepcopy(vim.lsp.config[M.name])
    config.root_dir = M.root(bufnr)
    vim.lsp.start(config, { bufnr = bufnr, reuse_client = config.reuse_client })
  end
end

--- The client that suggests in a buffer.
---@param bufnr integer
---@return vim.lsp.Client?
function M.get(bufnr)
  local found =
    vim.lsp.get_clients({ name = M.name, bufnr = bufnr, method = 'textDocument/inlineCompletion' })
  return found[1]
end

--- The running client, whichever buffer it serves.
---@return vim.lsp.Client?
function M.any()
  return M.get(0)
    or vim.iter(vim.lsp.get_clients({ name = M.name })):find(function(server)
      return not server:is_stopped()
    end)
end

--- Call a command of the server.
---@param client vim.lsp.Client
---@param command string
---@param arguments? table[]
---@param done? fun(result: any, failure: lsp.ResponseError?)
function M.execute(client, command, arguments, done)
  local params = { command = command, arguments = arguments or { vim.empty_dict() } }
  client:request('workspace/executeCommand', params, function(failure, result)
    if done then
      done(result, failure)
    end
  end)
end

--- Who waits for a server that is starting.
---@type fun(server: vim.lsp.Client?)[]
local waiting = {}

---@param server vim.lsp.Client
local function started(server)
  local now = waiting
  waiting = {}
  for _, done in ipairs(now) do
    done(server)
  end
end

--- The running client; where none runs, for want of a file that it could serve, it is started.
---@param done fun(server: vim.lsp.Client?) nil when there cannot be one
local function running(done)
  local server, program = M.any(), M.command()[1]
  if server or not vim.lsp.is_enabled(M.name) or (program and vim.fn.executable(program) == 0) then
    done(server)
    return
  end
  if #vim.lsp.get_clients({ name = M.name, _uninitialized = true }) > 0 then
    table.insert(waiting, done)
    vim.api.nvim_create_autocmd('LspAttach', {
      callback = function(event)
        local attached = vim.lsp.get_client_by_id(event.data.client_id)
        if not attached or attached.name ~= M.name then
          return false
        end
        vim.schedule(function()
          started(attached)
        end)
        return true
      end,
    })
    return
  end
  waiting = { done }
  local config = vim.deepcopy(vim.lsp.config[M.name])
  config.root_dir = vim.uv.cwd()
  local own = config.on_init
  config.on_init = vim.list_extend(type(own) == 'table' and own or { own }, { vim.schedule_wrap(started) })
  vim.lsp.start(config, { attach = false })
end

--- The same on whichever server runs; without one, or when it fails, say so.
---@param command string
---@param argument table?
---@param done fun(result: any)
function M.call(command, argument, done)
  local messages = require('ide_agent.messages')
  running(function(server)
    if not server then
      messages.say('not_running', nil, vim.log.levels.WARN)
      return
    end
    M.execute(server, command, { argument or vim.empty_dict() }, function(result, failure)
      if failure then
        messages.say('failed', { reason = failure.message }, vim.log.levels.ERROR)
      else
        done(result)
      end
    end)
  end)
end

local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO }

--- The server says something: not in the middle of typing.
---@param params lsp.ShowMessageParams
function M.tell(params)
  M.when_idle(function()
    require('ide_agent.messages').notify(
      'IDE-Agent: ' .. params.message,
      LEVELS[params.type] or vim.log.levels.DEBUG
    )
  end)
end

--- The server asks: its question takes the keys, so it waits until none comes any more.
---@param failure lsp.ResponseError?
---@param params lsp.ShowMessageRequestParams
---@param ctx lsp.HandlerContext
function M.ask(failure, params, ctx)
  local running = coroutine.running()
  M.when_resting(function()
    coroutine.resume(running)
  end)
  coroutine.yield()
  return vim.lsp.handlers['window/showMessageRequest'](failure, params, ctx)
end

return M
