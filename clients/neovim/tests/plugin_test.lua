local function same(actual, expected)
  assert(
    vim.deep_equal(actual, expected),
    ('%s is not %s'):format(vim.inspect(actual), vim.inspect(expected))
  )
end

local config = require('ide_agent.config')
local messages = require('ide_agent.messages')

--- Run with these options, then with none.
---@param global table?
---@param given table
---@param check fun(now: table)
local function with_options(global, given, check)
  vim.g.ide_agent = global
  config.set(given)
  local fine, failure = pcall(check, config.get())
  vim.g.ide_agent = nil
  config.set({})
  assert(fine, failure)
end

return {
  ['options: setup wins over vim.g, vim.g over the defaults'] = function()
    with_options({ automatic = false, language = 'tr' }, { language = 'en' }, function(now)
      same({ now.automatic, now.language, now.renderer }, { false, 'en', 'own' })
    end)
  end,

  ['options: single keys change, the others stay'] = function()
    with_options(nil, { keys = { accept = '<C-y>', next = false } }, function(now)
      same({ now.keys.accept, now.keys.next, now.keys.dismiss }, { '<C-y>', false, '<C-]>' })
    end)
    with_options(nil, { keys = false }, function(now)
      same(now.keys, false)
    end)
  end,

  ['options: where panels open'] = function()
    with_options(nil, { panel = { size = 0.3 } }, function(now)
      same(now.panel, { position = 'below', size = 0.3 })
    end)
    for _, wrong in ipairs({ { size = 2 }, { position = 'middle' }, { colour = 1 }, 'below' }) do
      with_options(nil, { panel = wrong }, function(now)
        same(now.panel, { position = 'below', size = 0.5 })
        same(#config.problems, 1)
      end)
    end
  end,

  ['options: what is not understood is reported and the default kept'] = function()
    with_options(nil, { automatic = 'yes', colour = 1, keys = { akcept = 'x' } }, function(now)
      same({ now.automatic, now.colour, now.keys.accept }, { true, nil, '<Tab>' })
      same(#config.problems, 3)
    end)
    same(#config.problems, 0)
  end,

  ['messages: both languages say the same things'] = function()
    local function shape(catalogue)
      local out = {}
      for key, message in pairs(catalogue) do
        local names = {}
        for name in message:gmatch('{%w+}') do
          table.insert(names, name)
        end
        table.sort(names)
        out[key] = table.concat(names)
      end
      return out
    end
    same(shape(messages.catalogue.tr), shape(messages.catalogue.en))
  end,

  ['messages: a long one fits into the line, in cells'] = function()
    local echo, shown = vim.api.nvim_echo, nil
    vim.api.nvim_echo = function(chunks)
      shown = chunks[1][1]
    end
    local widths = {}
    for _, ambiguous in ipairs({ 'single', 'double' }) do
      vim.o.ambiwidth = ambiguous
      for _, word in ipairs({ 'abc ', '漢字', 'a漢', '…' }) do
        messages.notify(word:rep(200), vim.log.levels.INFO)
        table.insert(widths, vim.v.echospace - vim.fn.strdisplaywidth(shown))
      end
    end
    vim.o.ambiwidth = 'single'
    vim.api.nvim_echo = echo
    for _, left in ipairs(widths) do
      assert(left >= 0 and left < 4, vim.inspect(widths))
    end
  end,

  ['messages: the language that was chosen'] = function()
    with_options(nil, { language = 'tr' }, function()
      same(messages.get('pulled', { name = 'starter', size = 92 }), 'starter hazır (92 MB)')
    end)
  end,

  ['messages: the language of the environment, where Neovim has none'] = function()
    local names = { 'LC_ALL', 'LC_MESSAGES', 'LANG' }
    local before = vim.tbl_map(function(name)
      return vim.env[name] or ''
    end, names)
    local function language(...)
      for i, name in ipairs(names) do
        vim.env[name] = select(i, ...)
      end
      return messages.language()
    end
    vim.cmd.language('C')
    local spoken = {
      language('', '', 'tr_TR.UTF-8'),
      language('', 'tr_TR.UTF-8', 'de_DE.UTF-8'),
      language('C.UTF-8', '', 'tr_TR.UTF-8'),
      language('', '', ''),
    }
    language(unpack(before))
    same(spoken, { 'tr', 'tr', 'en', 'en' })
  end,

  ['status: why it is as it is'] = function()
    local status, client = require('ide_agent.status'), require('ide_agent.client')
    local any = client.any
    client.any = function()
      return { id = 4711 }
    end
    local reasons = {}
    for _, said in ipairs({ 'The engine did not start.', '', vim.NIL }) do
      status.update({ state = 'error', message = said }, 4711)
      table.insert(reasons, status.reason() or false)
    end
    client.any = any
    same(reasons, { 'The engine did not start.', false, false })
  end,

  ['download: told now and then, and taken away at its end'] = function()
    local download, echo, now = require('ide_agent.download'), vim.api.nvim_echo, vim.uv.now
    local echoed, clock = {}, 1000
    vim.api.nvim_echo = function(chunks, history)
      table.insert(echoed, { chunks[1][1], history })
    end
    vim.uv.now = function()
      return clock
    end
    for _, step in ipairs({ { 0, 1 }, { 300, 2 }, { 300, 3 } }) do
      clock = clock + step[1]
      download.update({ state = 'downloading', progress = step[2] })
    end
    download.update({ state = 'loading' })
    download.update({ state = 'ready' })
    vim.api.nvim_echo, vim.uv.now = echo, now
    same(echoed, {
      { 'IDE-Agent: downloading 1 %', false },
      { 'IDE-Agent: downloading 3 %', false },
      { '', false },
    })
  end,

  ['paths: the log lies where the server writes it'] = function()
    local paths, before = require('ide_agent.paths'), vim.env.XDG_STATE_HOME
    local folder = vim.fn.tempname()
    local function log_in(...)
      local file = vim.fs.joinpath(folder, ...)
      vim.fn.mkdir(vim.fs.dirname(file), 'p')
      vim.fn.writefile({}, file)
      return file
    end
    vim.env.IDE_AGENT_HOME, vim.env.XDG_STATE_HOME = nil, folder
    local usual = log_in('ide-agent', 'lsp.log')
    same(paths.log(), usual)
    local moved = log_in('home', 'state', 'lsp.log')
    vim.env.IDE_AGENT_HOME = vim.fs.joinpath(folder, 'home')
    same(paths.log(), moved)
    vim.env.IDE_AGENT_HOME, vim.env.XDG_STATE_HOME = nil, before
    vim.fn.delete(folder, 'rf')
  end,

  ['commands: completion'] = function()
    local complete = require('ide_agent.commands').complete
    same(complete('re', 'IdeAgent re'), { 'remote', 'restart' })
    same(complete('', 'IdeAgent toggle '), { 'buffer' })
    same(complete('h', 'IdeAgent restart h'), { 'host' })
    same(complete('', 'IdeAgent status '), {})
    assert(vim.tbl_contains(complete('', 'IdeAgent '), 'pull'))
  end,

  ['status: the line of the server; a state of another version reads as ready'] = function()
    local client, status = require('ide_agent.client'), require('ide_agent.status')
    local any, seen = client.any, {}
    client.any = function()
      return { id = 1 }
    end
    for _, state in ipairs({ 'error', 'pondering' }) do
      status.update({ state = state, model = 'starter' }, 1)
      table.insert(seen, status.text())
    end
    status.update({ state = 'ready', model = 'starter', text = 'starter (gguf/q4_1) 🟢 Running' }, 1)
    table.insert(seen, status.text())
    status.update({ state = 'ready', model = '' }, 1)
    table.insert(seen, status.text())
    client.any = any
    same(seen, {
      'IDE-Agent error',
      'IDE-Agent starter',
      'IDE-Agent starter (gguf/q4_1) 🟢 Running',
      'IDE-Agent no model in memory',
    })
  end,

  ['language ids: as LSP names them'] = function()
    local client = require('ide_agent.client')
    same({ client.language_id('sh'), client.language_id(''), client.language_id('python') }, {
      'shellscript',
      'plaintext',
      'python',
    })
  end,

  ['capabilities: growing suggestions only where the plugin draws'] = function()
    local client = require('ide_agent.client')
    for renderer, grows in pairs({ own = true, builtin = false }) do
      with_options(nil, { renderer = renderer, language = 'tr' }, function()
        local params = { capabilities = {} }
        client.before_init(params)
        local told = { inlineCompletionMore = grows, status = true, panels = true }
        same(params.capabilities.experimental.ideAgent, told)
        same(params.initializationOptions, { language = 'tr' })
      end)
    end
  end,

  ['builtin: Neovim 0.12 is driven through its documented functions'] = function()
    local builtin = require('ide_agent.builtin')
    local before, calls, enabled = vim.lsp.inline_completion, {}, {}
    vim.lsp.inline_completion = {
      enable = function(on, filter)
        enabled[filter.bufnr] = on
      end,
      is_enabled = function(filter)
        return enabled[filter.bufnr] == true
      end,
      get = function()
        table.insert(calls, 'get')
        return true
      end,
      select = function()
        table.insert(calls, 'select')
      end,
    }
    local fine, failure = pcall(function()
      builtin.enable(7, true)
      same(builtin.draws(7), false)
      with_options(nil, { renderer = 'builtin' }, function()
        builtin.enable(7, true)
        same(builtin.draws(7), true)
        same(builtin.accept(), true)
        builtin.next()
        builtin.enable(7, false)
        same(builtin.draws(7), false)
      end)
    end)
    vim.lsp.inline_completion = before
    assert(fine, failure)
    same(calls, { 'get', 'select' })
  end,

  ['builtin: absent on 0.11'] = function()
    local builtin = require('ide_agent.builtin')
    local before = vim.lsp.inline_completion
    vim.lsp.inline_completion = nil
    local seen = { builtin.available(), builtin.draws(0), builtin.accept() }
    vim.lsp.inline_completion = before
    same(seen, { false, false, false })
  end,
}
