local form = require('ide_agent.panel.form')

local function same(actual, expected)
  assert(
    vim.deep_equal(actual, expected),
    ('%s is not %s'):format(vim.inspect(actual), vim.inspect(expected))
  )
end

---@param fields table[]
---@return table
local function new(fields)
  return { kind = 'form', id = 'f', fields = fields, submit = { name = 'send', label = 'Send' } }
end

---@param value? any
---@param more? table
---@return table
local function name(value, more)
  return vim.tbl_extend(
    'force',
    { name = 'name', label = 'Name', kind = 'text', value = value or '' },
    more or {}
  )
end

local SECRET = { name = 'key', label = 'Key', kind = 'secret', value = '' }

return {
  ['what was typed stays when the form comes again'] = function()
    local forms, before, after = {}, new({ name('a') }), new({ name('b') })
    form.fill(forms, before, 'name', 'mine')
    form.renew(forms, before, after)
    same(form.values(forms, after), { name = 'mine' })
  end,

  ['a form with other fields starts anew'] = function()
    local forms, before = {}, new({ name('a') })
    form.fill(forms, before, 'name', 'mine')
    local after = new({ name('b', { kind = 'number' }) })
    form.renew(forms, before, after)
    same(form.values(forms, after), { name = 'b' })
    form.renew(forms, before, before)
    same(form.values(forms, before), { name = 'a' })
  end,

  ['what was sent gives way to what the server makes of it'] = function()
    local forms, before = {}, new({ name('a'), SECRET })
    form.fill(forms, before, 'name', 'mine')
    form.fill(forms, before, 'key', 'hunter2')
    form.sent(forms, before)
    same(form.values(forms, before), { name = 'mine', key = '' })
    local after = new({ name('b'), SECRET })
    form.renew(forms, before, after)
    same(form.values(forms, after), { name = 'b', key = '' })
  end,

  ['a form that clears is asked anew once it was taken'] = function()
    local forms, own = {}, vim.tbl_extend('force', new({ name('first') }), { clears = true })
    form.fill(forms, own, 'name', 'mine')
    same(form.values(forms, own), { name = 'mine' })
    form.sent(forms, own)
    same(form.values(forms, own), { name = 'first' })
  end,

  ['a text may have suggestions'] = function()
    local asked
    local input = vim.ui.input
    vim.ui.input = function(options)
      asked = options
    end
    local choices = { { value = 'starter', label = 'starter' }, { value = 'box/Coder', label = 'box/Coder' } }
    form.edit(name('', { choices = choices }), '', function() end)
    same(asked.completion, "customlist,v:lua.require'ide_agent.panel.form'.complete")
    same(form.complete('cod'), { 'box/Coder' })
    same(form.complete(''), { 'starter', 'box/Coder' })
    same(form.complete('default, cod'), { 'default, box/Coder' })
    assert(asked.prompt:find('<Tab>', 1, true))
    form.edit(name(''), '', function() end)
    same(asked.completion, nil)
    vim.ui.input = input
  end,

  -- That it is typed into at once tests/e2e/neovim/test_panels.py knows.
  ['several lines: their end is at hand, and how to finish is said'] = function()
    form.edit({ name = 'l', label = 'Files', kind = 'lines' }, 'a\nbc', function() end)
    local footer = vim.api.nvim_win_get_config(0).footer[1][1]
    assert(footer:find('<Esc>:wq', 1, true), footer)
    same(vim.fn.line('.'), 2)
    vim.cmd.stopinsert()
  end,

  ['over the wire: each kind as the protocol has it'] = function()
    local own = new({
      name(3, { kind = 'text' }),
      { name = 'n', label = 'N', kind = 'number', value = '0,5' },
      { name = 'none', label = 'None', kind = 'number', value = '' },
      { name = 'check', label = 'Check', kind = 'check', value = '' },
      { name = 'lines', label = 'Lines', kind = 'lines', value = 'a\nb' },
    })
    same(form.wire({}, own), { name = '3', n = 0.5, check = false, lines = 'a\nb' })
    same(vim.json.encode(form.wire({}, new({}))), '{}')
  end,

  ['over the wire: what is missing or no number is named'] = function()
    for _, field in ipairs({
      name('', { required = true }),
      name(' \t', { required = true }),
      { name = 'n', label = 'N', kind = 'number', value = 'x' },
      { name = 'n', label = 'N', kind = 'number', value = 'nan' },
      { name = 'n', label = 'N', kind = 'number', value = '', required = true },
      { name = 'c', label = 'C', kind = 'check', value = false, required = true },
    }) do
      local values, missing = form.wire({}, new({ field }))
      same({ values, missing }, { nil, field })
    end
  end,
}
