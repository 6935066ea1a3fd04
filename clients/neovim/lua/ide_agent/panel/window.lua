--- Buffers and windows for panels.
local M = {}

local WINDOW_OPTIONS = {
  number = false,
  relativenumber = false,
  signcolumn = 'no',
  foldcolumn = '0',
  statuscolumn = ' ',
  colorcolumn = '',
  list = false,
  spell = false,
  wrap = true,
  linebreak = true,
  breakindent = true,
  cursorline = true,
  conceallevel = 0,
}

---@param name string
---@return integer bufnr
function M.buffer(name)
  local bufnr = vim.api.nvim_create_buf(false, true)
  -- One of that name may be left of a session that was saved.
  local old = vim.fn.bufnr('^' .. vim.fn.escape(name, '\\.*$~[]') .. '$')
  if old ~= -1 then
    vim.api.nvim_buf_delete(old, { force = true })
  end
  vim.api.nvim_buf_set_name(bufnr, name)
  vim.bo[bufnr].buftype, vim.bo[bufnr].bufhidden, vim.bo[bufnr].swapfile = 'nofile', 'wipe', false
  vim.bo[bufnr].undolevels, vim.bo[bufnr].modifiable = -1, false
  return bufnr
end

--- Show it beside what there is; the cursor stays where it was.
---@param bufnr integer
---@return integer win
function M.open(bufnr)
  local options = require('ide_agent.config').get().panel
  local upright = options.position == 'left' or options.position == 'right'
  local room = upright and vim.o.columns or vim.o.lines
  local size = math.max(math.floor(room * options.size), 1)
  local win = vim.api.nvim_open_win(bufnr, false, {
    split = options.position,
    win = -1,
    width = upright and size or nil,
    height = not upright and size or nil,
  })
  for name, value in pairs(WINDOW_OPTIONS) do
    vim.api.nvim_set_option_value(name, value, { win = win, scope = 'local' })
  end
  return win
end

return M
