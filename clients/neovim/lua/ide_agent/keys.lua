--- Insert-mode keys: ours while a suggestion shows, otherwise what they were before.
local M = {}

--- Buffer-local mappings that ours hide, to fall back on and to give back.
---@type table<integer, table<string, table|false>>
local hidden = {}

---@param keys string
---@param mode string
local function feed(keys, mode)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), mode, false)
end

---@param lhs string
---@return table? mapping as of |maparg()|
local function global_mapping(lhs)
  local raw = vim.api.nvim_replace_termcodes(lhs, true, true, true)
  for _, mapping in ipairs(vim.api.nvim_get_keymap('i')) do
    if mapping.lhsraw == raw or mapping.lhsrawalt == raw then
      return mapping
    end
  end
end

--- Keys that expand an abbreviation, except where they are not remapped.
local ENDS_WORD = [[^\%(\t\|\r\|\n\|\e\|\%x0f\|\k\@!\p\)$]]

--- The plain key. Mapping it would lead back here; without mapping, Vim looks for abbreviations at <C-]> only.
---@param lhs string
local function feed_plain(lhs)
  local raw = vim.api.nvim_replace_termcodes(lhs, true, false, true)
  feed((vim.fn.match(raw, ENDS_WORD) == 0 and '<C-]>' or '') .. lhs, 'in')
end

--- Do what the key would do without us.
---@param bufnr integer
---@param lhs string
local function fall_back(bufnr, lhs)
  local mapping = hidden[bufnr] and hidden[bufnr][lhs] or global_mapping(lhs)
  if not mapping then
    feed_plain(lhs)
    return
  end
  local keys = mapping.rhs
  if mapping.callback then
    keys = mapping.callback()
    if mapping.expr ~= 1 then
      return
    end
  elseif mapping.expr == 1 then
    keys = vim.api.nvim_eval((mapping.rhs:gsub('<SID>', ('<SNR>%d_'):format(mapping.sid))))
  end
  if type(keys) ~= 'string' or keys == '' then
    return
  end
  if mapping.expr ~= 1 or (mapping.callback and mapping.replace_keycodes == 1) then
    keys = vim.api.nvim_replace_termcodes(keys, true, true, true)
  end
  vim.api.nvim_feedkeys(keys, mapping.noremap == 1 and 'in' or 'im', false)
end

---@return table<string, string> lhs to the function of init.lua
local function wanted()
  local out = {}
  for action, lhs in pairs(require('ide_agent.config').get().keys or {}) do
    local plug = ('<Plug>(ide-agent-%s)'):format((action:gsub('_', '-')))
    if lhs and vim.fn.hasmapto(plug, 'i') == 0 then
      out[lhs] = action
    end
  end
  return out
end

--- Give the keys back.
---@param bufnr integer
function M.unmap(bufnr)
  local mappings = hidden[bufnr]
  hidden[bufnr] = nil
  if not mappings or not vim.api.nvim_buf_is_valid(bufnr) then
    return
  end
  for lhs, mapping in pairs(mappings) do
    pcall(vim.keymap.del, 'i', lhs, { buffer = bufnr })
    if mapping then
      vim.api.nvim_buf_call(bufnr, function()
        vim.fn.mapset('i', false, mapping)
      end)
    end
  end
end

--- Map the keys in a buffer.
---@param bufnr integer
function M.map(bufnr)
  M.unmap(bufnr)
  hidden[bufnr] = {}
  for lhs, action in pairs(wanted()) do
    vim.api.nvim_buf_call(bufnr, function()
      local mapping = vim.fn.maparg(lhs, 'i', false, true)
      hidden[bufnr][lhs] = mapping.buffer == 1 and mapping or false
    end)
    vim.keymap.set('i', lhs, function()
      if not require('ide_agent')[action]() then
        fall_back(bufnr, lhs)
      end
    end, { buffer = bufnr, desc = 'IDE-Agent: ' .. action:gsub('_', ' ') })
  end
end

return M
