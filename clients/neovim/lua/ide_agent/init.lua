--- IDE-Agent: ghost text from a model on this machine. |ide-agent|
local M = {}

--- Change options. Not needed for the defaults.
---@param options? ide_agent.Options
function M.setup(options)
  require('ide_agent.config').set(options or {})
  require('ide_agent.attach').remap()
end

--- Text for the status line; empty when no buffer uses IDE-Agent.
---@return string
function M.status()
  return require('ide_agent.status').text()
end

--- Whether a suggestion shows.
---@return boolean
function M.visible()
  return require('ide_agent.suggestion').visible()
end

--- Break the undo sequence before and after, so that `u` takes back what was accepted and nothing else.
---@param part 'all'|'word'|'line'
---@return boolean taken
local function accept(part)
  if not M.visible() then
    return part == 'all' and require('ide_agent.builtin').accept()
  end
  local take = ("<C-g>u<Cmd>lua require('ide_agent.suggestion').take('%s')<CR><C-g>u"):format(part)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(take, true, false, true), 'in', false)
  return true
end

--- Take the whole suggestion.
---@return boolean taken false when none shows
function M.accept()
  return accept('all')
end

--- Take the next word of the suggestion.
---@return boolean taken
function M.accept_word()
  return accept('word')
end

--- Take the suggestion up to the end of its line.
---@return boolean taken
function M.accept_line()
  return accept('line')
end

--- Drop the suggestion.
---@return boolean dropped false when none shows
function M.dismiss()
  if not M.visible() then
    return false
  end
  require('ide_agent.request').cancel()
  require('ide_agent.suggestion').drop()
  return true
end

--- Ask for a suggestion, or for another one.
---@return boolean asked
function M.next()
  local builtin = require('ide_agent.builtin')
  if builtin.draws(vim.api.nvim_get_current_buf()) then
    builtin.next()
    return true
  end
  return require('ide_agent.request').send('invoked')
end

--- Switch suggestions on or off.
---@param on boolean
---@param bufnr? integer only in this buffer (0: the current one)
function M.enable(on, bufnr)
  require('ide_agent.switch').set(on, bufnr)
end

--- Whether suggestions are on.
---@param bufnr? integer (0 or nil: the current one)
---@return boolean
function M.is_enabled(bufnr)
  return require('ide_agent.switch').get(bufnr)
end

return M
