--- Options: defaults < vim.g.ide_agent < require('ide_agent').setup{}.
local M = {}

---@class ide_agent.Keys
---@field accept string|false
---@field accept_word string|false
---@field accept_line string|false
---@field dismiss string|false
---@field next string|false

---@class ide_agent.PanelOptions
---@field position? 'left'|'right'|'above'|'below' where panels open
---@field size? number part of the screen that they take, 0.1 to 0.9

---@class ide_agent.Options
---@field language? 'auto'|'en'|'tr' messages; auto: from the locale
---@field automatic? boolean suggest while typing; false: only when asked
---@field renderer? 'own'|'builtin' who draws; builtin: |vim.lsp.inline_completion| (Neovim 0.12)
---@field keys? ide_agent.Keys|false insert-mode keys; false: none
---@field panel? ide_agent.PanelOptions

---@class ide_agent.Config
M.defaults = {
  language = 'auto',
  automatic = true,
  renderer = 'own',
  keys = {
    accept = '<Tab>',
    accept_word = '<M-w>',
    accept_line = '<M-l>',
    dismiss = '<C-]>',
    next = '<M-]>',
  },
  panel = {
    position = 'below',
    size = 0.5,
  },
}

local CHOICES = {
  language = { auto = true, en = true, tr = true },
  automatic = { [true] = true, [false] = true },
  renderer = { own = true, builtin = true },
}

---@type ide_agent.Options
local given = {}
---@type ide_agent.Config?
local merged

---@param keys any
---@return boolean
local function keys_fit(keys)
  if keys == false then
    return true
  end
  if type(keys) ~= 'table' then
    return false
  end
  for name, lhs in pairs(keys) do
    if M.defaults.keys[name] == nil or (lhs ~= false and type(lhs) ~= 'string') then
      return false
    end
  end
  return true
end

local POSITIONS = { left = true, right = true, above = true, below = true }

---@param panel any
---@return boolean
local function panel_fits(panel)
  if type(panel) ~= 'table' then
    return false
  end
  for name, value in pairs(panel) do
    local size = name == 'size' and type(value) == 'number' and value >= 0.1 and value <= 0.9
    if not size and not (name == 'position' and POSITIONS[value]) then
      return false
    end
  end
  return true
end

---@param config ide_agent.Config
---@param layer table<string, any>
---@param problems string[]
local function add(config, layer, problems)
  for name, value in pairs(layer) do
    if CHOICES[name] and CHOICES[name][value] then
      config[name] = value
    elseif name == 'keys' and keys_fit(value) then
      config.keys = value and vim.tbl_extend('force', config.keys or {}, value)
    elseif name == 'panel' and panel_fits(value) then
      config.panel = vim.tbl_extend('force', config.panel, value)
    else
      table.insert(problems, ('%s = %s'):format(name, vim.inspect(value, { newline = ' ', indent = '' })))
    end
  end
end

--- The options that hold now.
---@return ide_agent.Config
function M.get()
  if not merged then
    local problems = {}
    merged = vim.deepcopy(M.defaults)
    add(merged, vim.g.ide_agent or {}, problems)
    add(merged, given, problems)
    M.problems = problems
    for _, problem in ipairs(problems) do
      require('ide_agent.messages').say('bad_option', { option = problem }, vim.log.levels.WARN)
    end
  end
  return merged
end

--- What of the user's options was not understood; for :checkhealth.
---@type string[]
M.problems = {}

---@param options ide_agent.Options
function M.set(options)
  given, merged = options, nil
  M.get()
end

return M
