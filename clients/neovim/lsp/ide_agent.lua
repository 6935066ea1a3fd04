-- Change any of this with vim.lsp.config('ide_agent', { … }); the server's settings go below settings.ideAgent.

---@type vim.lsp.Config
return {
  cmd = { 'ide-agent', 'lsp' },
  root_markers = { '.ide-agent.toml', '.git', '.hg', '.svn' },
  root_dir = function(bufnr, on_dir)
    require('ide_agent.client').root_dir(bufnr, on_dir)
  end,
  -- One server for the editor, however many projects are open; see attach.lua.
  reuse_client = function(client, config)
    return client.name == config.name
      and not client:is_stopped()
      and not require('ide_agent.lifecycle').leaving(client.id)
  end,
  get_language_id = function(_, filetype)
    return require('ide_agent.client').language_id(filetype)
  end,
  before_init = function(params)
    require('ide_agent.client').before_init(params)
  end,
  on_exit = function(code, signal, client_id)
    require('ide_agent.lifecycle').exited(code, signal, client_id)
  end,
  settings = { ideAgent = {} },
  handlers = {
    ['ideAgent/inlineCompletion/more'] = function(_, params, ctx)
      require('ide_agent.suggestion').grow(params, ctx.client_id)
    end,
    ['ideAgent/panel/show'] = function(_, params, ctx)
      require('ide_agent.panel').show(params, ctx.client_id)
    end,
    ['ideAgent/panel/patch'] = function(_, params, ctx)
      require('ide_agent.panel').patch(params, ctx.client_id)
    end,
    ['ideAgent/status'] = function(_, params, ctx)
      require('ide_agent.status').update(params, ctx.client_id)
    end,
    ['window/showDocument'] = function(...)
      return require('ide_agent.panel.window').show_document(...)
    end,
    ['window/showMessage'] = function(_, params)
      require('ide_agent.client').tell(params)
    end,
    ['window/showMessageRequest'] = function(...)
      return require('ide_agent.client').ask(...)
    end,
  },
}
