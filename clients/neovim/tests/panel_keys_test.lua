local letters = require('ide_agent.panel.letters')
local text = require('ide_agent.panel.text')

local function same(actual, expected)
  assert(
    vim.deep_equal(actual, expected),
    ('%s is not %s'):format(vim.inspect(actual), vim.inspect(expected))
  )
end

---@param label string
---@param style? string
---@return ide_agent.panel.Action
local function action(label, style)
  return { name = label:lower(), label = label, style = style }
end

return {
  ['letters: of the name, kept while the panel is open'] = function()
    local own = letters.new()
    same(letters.get(own, 'a', action('Download'), 1), 'd')
    same(letters.get(own, 'b', action('Download'), 1), 'o')
    same(letters.get(own, 'c', action('Drop', 'danger'), 1), 'D')
    same(letters.get(own, 'a', action('Download'), 1), 'd')
  end,

  ['letters: rows share them, in all tables'] = function()
    local own = letters.new()
    same(letters.get(own, 'a', action('Use'), 1, true), 'u')
    same(letters.get(own, 'b', action('Use'), 2, true), 'u')
    same(letters.get(own, 'b', action('Use'), 1), 's')
  end,

  ['letters: one that was given belongs to its action, whatever comes and goes'] = function()
    local own = letters.new()
    same(letters.get(own, 'pull.a', action('Stop'), 1), 's')
    same(letters.get(own, 'pull.b', { name = 'hush', label = 'Stop' }, 1), 'T')
    letters.prune(own, { ['pull.b'] = true })
    -- No other action gets it, not even with nothing but that letter in its name.
    same(letters.get(own, 'x', action('sss'), 1), 'c')
    same(letters.get(own, 'pull.c', action('Stop'), 1), 's')
    same(letters.get(own, 'pull.b', { name = 'hush', label = 'Stop' }, 1), 'T')
    same({ letters.label(own, 's'), letters.label(own, 'z') }, { 'Stop', nil })
  end,

  ['letters: those of our panels do not depend on what is drawn first'] = function()
    local names = {
      -- the models, rules, models behind APIs: those of one panel
      { 'search', 'filter', 'add', 'ask', 'gc', 'stop', 'resume', 'again', 'forget', 'discard' },
      { 'up', 'down', 'enable', 'disable', 'remove', 'test', 'add' },
      { 'off', 'on', 'test', 'key' },
    }
    local rows = { 'pull', 'about', 'files', 'deactivate', 'activate', 'verify', 'remove' }
    for number, panel in ipairs(names) do
      local all = {}
      for _, name in ipairs(panel) do
        table.insert(all, { name, false })
      end
      for _, name in ipairs(number == 1 and rows or {}) do
        table.insert(all, { name, true })
      end
      local function given(order)
        local own, out = letters.new(), {}
        for _, each in ipairs(order) do
          local harms = each[1] == 'remove' or each[1] == 'discard'
          out[each[1]] = letters.get(own, each[1], action(each[1], harms and 'danger' or nil), 1, each[2])
        end
        return out
      end
      local there = given(all)
      same(#vim.fn.uniq(vim.fn.sort(vim.tbl_values(there))), #all)
      same(given(vim.iter(all):rev():totable()), there)
    end
  end,

  ['letters: many of a name leave some for others'] = function()
    local own = letters.new()
    local given = {}
    for number = 1, 9 do
      table.insert(given, letters.get(own, 'a' .. number, action('x'), 1))
    end
    same(given, { 'x', 'c', 'd' })
    assert(letters.get(own, 'b', action('y'), 1))
  end,

  ['letters: the same in every language'] = function()
    for _, label in ipairs({ 'Download', 'İndir', '下载' }) do
      same(letters.get(letters.new(), 'a', { name = 'pull', label = label }, 1), 'p')
    end
    same(letters.get(letters.new(), 'a', { name = '下载', label = 'Download' }, 1), 'c')
  end,

  ['letters: a capital is for what does harm, else only when there are no more plain ones'] = function()
    local own = letters.new()
    assert(letters.get(own, 'b', action('x', 'danger'), 1):match('^%u$'))
    for number = 1, 11 do
      assert(letters.get(own, 'a', action('x' .. number), 1):match('^%l$'), number)
    end
    assert(letters.get(own, 'a', action('x12'), 1):match('^%u$'))
  end,

  ['text: control characters and marks of direction are shown, not obeyed'] = function()
    same(text.clean('a\0b\27[0m\tc\r\nd\127\194\133\226\128\174x'), 'a␀b␛[0m    c\nd␡<85><202e>x')
    same(text.clean('ışğ 漢字 👩‍💻 …'), 'ışğ 漢字 👩‍💻 …')
    same(text.clean(vim.NIL), '')
  end,

  ['text: fitted and padded by cells'] = function()
    same(text.fit('漢字', 4), '漢字')
    same(text.fit('漢字か', 4), '漢…')
    same(text.fit('abcdef', 4), 'abc…')
    same(text.fit(('漢'):rep(100000), 5), '漢漢…')
    same(text.pad('漢', 4), '漢  ')
    same(text.pad('漢', 4, 'end'), '  漢')
    same(text.pad('漢字か', 4), '漢… ')
  end,

  -- Gone through again and again these take minutes, which whoever runs the tests does not wait for.
  ['text: long ones are gone through once'] = function()
    local markdown, log = require('ide_agent.panel.markdown'), require('ide_agent.panel.kind.log')
    local blanks = (' '):rep(200000)
    same(text.one_line(blanks .. '\n' .. blanks .. 'x'), '…')
    same(text.trim_end(blanks), '')
    same(#markdown.draw((('*a [b `c <d:e '):rep(200) .. '\n'):rep(50), 'b', 80), 50)
    same(#markdown.draw(blanks, 'b', 80), 1)
    same(#log({ text = ('\r'):rep(200000) .. blanks }), 1)
  end,
}
