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

--- The window of this tab page in which panels show.
---@return integer?
local function shared()
  return vim.iter(vim.api.nvim_tabpage_list_wins(0)):find(function(win)
    return vim.bo[vim.api.nvim_win_get_buf(win)].filetype == require('ide_agent.panel').filetype
  end)
end

--- A new one, where the options want it.
---@param bufnr integer
---@return integer win
local function split(bufnr)
  local options = require('ide_agent.config').get().panel
  local upright = options.position == 'left' or options.position == 'right'
  local room = upright and vim.o.columns or vim.o.lines
  local size = math.max(math.floor(room * options.size), 1)
  return vim.api.nvim_open_win(bufnr, false, {
    split = options.position,
    win = -1,
    width = upright and size or nil,
    height = not upright and size or nil,
  })
end

--- Show it in the place of another panel, else beside what there is; the cursor stays where it was.
---@param bufnr integer
---@return integer win
function M.open(bufnr)
  local win = shared()
  if win then
    vim.api.nvim_win_set_buf(win, bufnr)
  else
    win = split(bufnr)
  end
  for name, value in pairs(WINDOW_OPTIONS) do
    vim.api.nvim_set_option_value(name, value, { win = win, scope = 'local' })
  end
  return win
end

--- Put the cursor into a panel's window, and remember where it was.
---@param win integer
function M.enter(win)
  local before = vim.api.nvim_get_current_win()
  if vim.bo[vim.api.nvim_win_get_buf(before)].filetype ~= require('ide_agent.panel').filetype then
    vim.w[win].ide_agent_before = before
  end
  vim.api.nvim_set_current_win(win)
end

--- Wipe the panel out and go back to where the user came from.
---@param bufnr integer
function M.leave(bufnr)
  local before = vim.w.ide_agent_before
  vim.api.nvim_buf_delete(bufnr, { force = true })
  if before and vim.api.nvim_win_is_valid(before) then
    vim.api.nvim_set_current_win(before)
  end
end

--- Whether a file may be shown in a window: it holds no panel, no terminal and nothing that floats.
---@param win integer
---@return boolean
local function edits(win)
  local floats = vim.api.nvim_win_get_config(win).relative ~= ''
  return not floats and vim.bo[vim.api.nvim_win_get_buf(win)].buftype == ''
end

--- The server shows a file: beside the panel where that was pressed, not in its place.
---@param failure lsp.ResponseError?
---@param params lsp.ShowDocumentParams
---@param ctx lsp.HandlerContext
function M.show_document(failure, params, ctx)
  if not params.external and vim.bo.filetype == require('ide_agent.panel').filetype then
    local before = vim.fn.win_getid(vim.fn.winnr('#'))
    local wins = vim.list_extend({ before }, vim.api.nvim_tabpage_list_wins(0))
    local win = vim.iter(wins):find(function(each)
      return each ~= 0 and edits(each)
    end)
    if win then
      vim.api.nvim_set_current_win(win)
    else
      vim.cmd('leftabove vnew')
      vim.bo.bufhidden = 'wipe'
    end
  end
  return vim.lsp.handlers['window/showDocument'](failure, params, ctx)
end

return M
