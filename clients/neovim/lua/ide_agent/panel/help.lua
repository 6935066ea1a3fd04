--- `?` in a panel: its keys, and the letters of its buttons.
local keys = require('ide_agent.panel.keys')
local messages = require('ide_agent.messages')
local text = require('ide_agent.panel.text')

local M = {}

--- What a button belongs to.
---@param panel ide_agent.panel.Panel
---@param target ide_agent.panel.Target
---@return string
local function whose(panel, target)
  local block = panel.state.blocks[target.block] or {}
  for _, said in ipairs({ target.row or '', text.one_line(block.title), text.one_line(block.label) }) do
    if said ~= '' then
      return ': ' .. text.one_line(said)
    end
  end
  return ''
end

---@param panel ide_agent.panel.Panel
---@return string[] lines
---@return table<string, true> letters
local function lines(panel)
  local out, found = {}, {}
  for _, key in ipairs(keys.keys) do
    local shown = vim.tbl_filter(function(lhs)
      return not lhs:find('Mouse')
    end, key.keys)
    table.insert(out, ('  %s  %s  '):format(text.pad(table.concat(shown, ' '), 7), messages.get(key.message)))
  end
  for number, shortcut in ipairs(keys.shortcuts(panel)) do
    if number == 1 then
      table.insert(out, '')
    end
    found[shortcut.letter] = true
    local label = text.fit(text.one_line(shortcut.action.label), 40)
    local beside = text.fit(whose(panel, shortcut), 40)
    table.insert(out, ('  %s  %s%s  '):format(text.pad(shortcut.letter, 7), label, beside))
  end
  return out, found
end

--- Show them until a key is pressed.
---@param panel ide_agent.panel.Panel
function M.open(panel)
  local shown, found = lines(panel)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.bo[bufnr].bufhidden = 'wipe'
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, shown)
  vim.bo[bufnr].modifiable = false
  local width = 1
  for _, line in ipairs(shown) do
    width = math.max(width, text.width(line))
  end
  width = math.min(width, vim.o.columns - 4)
  local height = math.max(math.min(#shown, vim.o.lines - 4), 1)
  local win = vim.api.nvim_open_win(bufnr, true, {
    relative = 'editor',
    row = math.max(math.floor((vim.o.lines - height) / 2) - 1, 0),
    col = math.floor((vim.o.columns - width) / 2),
    width = width,
    height = height,
    border = 'rounded',
    style = 'minimal',
    title = (' %s '):format(messages.get('panel_keys')),
  })
  local function close()
    if vim.api.nvim_win_is_valid(win) then
      vim.api.nvim_win_close(win, true)
    end
  end
  local function map(lhs, action)
    vim.keymap.set('n', lhs, action, { buffer = bufnr, nowait = true })
  end
  for _, lhs in ipairs(keys.inert) do
    map(lhs, '<Nop>')
  end
  for _, lhs in ipairs({ 'q', '?', '<Esc>', '<CR>' }) do
    map(lhs, close)
  end
  for letter in pairs(found) do
    map(letter, function()
      close()
      keys.press_letter(panel, letter)
    end)
  end
  vim.api.nvim_create_autocmd(
    'WinLeave',
    { buffer = bufnr, once = true, callback = vim.schedule_wrap(close) }
  )
end

return M
