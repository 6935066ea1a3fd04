-- Where 'modeline' is off, Neovim takes translated help for plain text.
vim.filetype.add({ pattern = { ['.*/doc/ide%-agent%.trx'] = 'help' } })
