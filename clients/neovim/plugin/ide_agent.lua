if vim.g.loaded_ide_agent then
  return
end
vim.g.loaded_ide_agent = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify('IDE-Agent needs Neovim 0.11 or newer', vim.log.levels.ERROR)
  return
end

vim.api.nvim_create_user_command('IdeAgent', function(call)
  require('ide_agent.commands').run(call)
end, {
  nargs = '*',
  complete = function(lead, line)
    return require('ide_agent.commands').complete(lead, line)
  end,
  desc = 'IDE-Agent: ghost text from a local model',
})

for _, action in ipairs({ 'accept', 'accept_word', 'accept_line', 'dismiss', 'next' }) do
  vim.keymap.set('i', ('<Plug>(ide-agent-%s)'):format((action:gsub('_', '-'))), function()
    require('ide_agent')[action]()
  end, { desc = 'IDE-Agent: ' .. action:gsub('_', ' ') })
end

vim.api.nvim_set_hl(0, 'IdeAgentGhost', { link = 'Comment', default = true })

local group = vim.api.nvim_create_augroup('ide_agent', {})
vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(event)
    require('ide_agent.attach').on_attach(event.data.client_id, event.buf)
  end,
})
vim.api.nvim_create_autocmd('LspDetach', {
  group = group,
  callback = function(event)
    require('ide_agent.attach').on_detach(event.data.client_id, event.buf)
  end,
})
vim.api.nvim_create_autocmd('InsertEnter', {
  group = group,
  callback = vim.schedule_wrap(function(event)
    if vim.api.nvim_buf_is_valid(event.buf) then
      require('ide_agent.client').ensure(event.buf)
    end
  end),
})

vim.lsp.enable('ide_agent')
