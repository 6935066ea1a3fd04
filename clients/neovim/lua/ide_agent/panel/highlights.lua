--- Highlight groups of panels. |ide-agent-look|
local M = {}

---@type table<string, vim.api.keyset.highlight>
local GROUPS = {
  Title = { link = 'Title' },
  Heading = { link = 'Title' },
  Header = { link = 'Identifier' },
  Button = { link = 'Special' },
  Primary = { link = 'Function' },
  Danger = { link = 'DiagnosticError' },
  Muted = { link = 'Comment' },
  Bar = { link = 'DiagnosticOk' },
  Field = { link = 'Pmenu' },
  Link = { link = 'Underlined' },
  Code = { link = 'String' },
  Bold = { bold = true },
  Italic = { italic = true },
  Warning = { link = 'DiagnosticWarn' },
  Error = { link = 'DiagnosticError' },
  Success = { link = 'DiagnosticOk' },
  Added = { link = 'Added' },
  Removed = { link = 'Removed' },
  Hunk = { link = 'Identifier' },
  Series1 = { link = 'DiagnosticInfo' },
  Series2 = { link = 'DiagnosticOk' },
  Series3 = { link = 'DiagnosticWarn' },
  Series4 = { link = 'DiagnosticError' },
  Series5 = { link = 'Special' },
  Series6 = { link = 'Comment' },
}

--- Those that the colour scheme or the user gave stay.
function M.define()
  for name, value in pairs(GROUPS) do
    vim.api.nvim_set_hl(0, 'IdeAgentPanel' .. name, vim.tbl_extend('force', value, { default = true }))
  end
end

return M
