local draw = require('ide_agent.panel.draw')
local letters = require('ide_agent.panel.letters')

local function same(actual, expected)
  assert(
    vim.deep_equal(actual, expected),
    ('%s is not %s'):format(vim.inspect(actual), vim.inspect(expected))
  )
end

---@param width? integer
---@param values? table<string, any>
---@return ide_agent.panel.Context
local function context(width, values)
  local own = letters.new()
  return {
    width = width or 60,
    letter = function(...)
      return letters.get(own, ...)
    end,
    values = function(form)
      local out = {}
      for _, field in ipairs(form.fields) do
        out[field.name] = (values or {})[field.name] or field.value
      end
      return out
    end,
  }
end

---@param block table
---@param width? integer
---@param values? table<string, any>
---@return ide_agent.panel.Line[]
local function lines(block, width, values)
  return draw.block(vim.tbl_extend('keep', block, { id = 'b' }), context(width, values))
end

---@return string[]
local function texts(...)
  return vim.tbl_map(function(line)
    return line.text
  end, lines(...))
end

--- The highlighted parts of a line, as `group:text`.
---@param line ide_agent.panel.Line
---@return string[]
local function marked(line)
  return vim.tbl_map(function(span)
    return span[3]:gsub('^IdeAgentPanel', '') .. ':' .. line.text:sub(span[1] + 1, span[2])
  end, line.spans)
end

local PULL = { name = 'pull', label = 'Download', style = 'primary' }
local DROP = { name = 'drop', label = 'Remove', style = 'danger' }

---@param rows table[]
---@param more? table
---@return table
local function table_block(rows, more)
  return vim.tbl_extend('force', {
    kind = 'table',
    columns = { { key = 'n', label = 'Name' }, { key = 's', label = 'Size', align = 'end' } },
    rows = rows,
  }, more or {})
end

---@param points number[][]
---@param more? table
---@return table
local function chart(points, more)
  local block =
    { kind = 'chart', title = 'Loss', x_label = 'step', series = { { label = 'a', points = points } } }
  return vim.tbl_extend('force', block, more or {})
end

return {
  ['text: marks of Markdown become highlights'] = function()
    local drawn = lines({
      kind = 'text',
      markdown = '# Head\n\nA **bold** and *slanted* `x*y*` word, snake_case_name\n- one\n> said\n---\n',
    })
    same(
      vim.tbl_map(function(line)
        return line.text
      end, drawn),
      {
        'Head',
        '',
        'A bold and slanted x*y* word, snake_case_name',
        '• one',
        '▎ said',
        ('─'):rep(40),
        '',
      }
    )
    same(marked(drawn[1]), { 'Heading:Head' })
    same(marked(drawn[3]), { 'Bold:bold', 'Italic:slanted', 'Code:x*y*' })
  end,

  ['text: what is escaped or no mark stays'] = function()
    same(texts({ kind = 'text', markdown = [[\*a\* 2 * 3 * 4 `open **open [x] \\ <b>b</b>]] }), {
      [[*a* 2 * 3 * 4 `open **open [x] \ <b>b</b>]],
      '',
    })
  end,

  ['text: escaped signs are themselves in addresses, in links, and in lines that are too long, not in code'] = function()
    local drawn = lines({
      kind = 'text',
      markdown = [[at https://huggingface\.co/a\_b\-c\. huggingface\.co [a\.b](https://d.e/f\_g) `h\.i`]],
    }, 200)
    same(drawn[1].text, [[at https://huggingface.co/a_b-c. huggingface.co a.b (https://d.e/f_g) h\.i]])
    same(
      vim.tbl_map(function(place)
        return place.target.url
      end, drawn[1].places),
      { 'https://huggingface.co/a_b-c', 'https://d.e/f_g' }
    )
    same(texts({ kind = 'text', markdown = ([[a\.]]):rep(2000) })[1], ('a.'):rep(2000))
  end,

  ['text: code between fences is as it was'] = function()
    same(texts({ kind = 'text', markdown = '```lua\n**x**\n```\ny' }), { '  **x**', 'y', '' })
  end,

  ['text: links can be pressed and say where they lead'] = function()
    local drawn = lines({
      kind = 'text',
      markdown = '[docs](https://a.b/c), https://d.e. ![p](https://i.j) [x](javascript:1)',
    })
    same(drawn[1].text, 'docs (https://a.b/c), https://d.e. p (https://i.j) x (javascript:1)')
    same(
      vim.tbl_map(function(place)
        return place.target.url
      end, drawn[1].places),
      { 'https://a.b/c', 'https://d.e', 'https://i.j' }
    )
  end,

  ['text: levels are marked by more than colour'] = function()
    same(texts({ kind = 'text', markdown = 'a\nb', level = 'error' }), { '✗ a', '  b', '' })
    same(texts({ kind = 'text', markdown = 'a', level = 'warning' }), { '! a', '' })
    same(texts({ kind = 'text', markdown = 'a', level = 'success' }), { '✓ a', '' })
    same(texts({ kind = 'text', markdown = '' }), { '', '' })
  end,

  ['code: indented, highlighted where there is a parser'] = function()
    local drawn = lines({
      kind = 'code',
      text = 'local x = 1\n\tprint(x)\n',
      language = 'lua',
      title = 'a.lua',
      actions = { { name = 'copy', label = 'Copy' } },
    })
    same(
      vim.tbl_map(function(line)
        return line.text
      end, drawn),
      { 'a.lua', '  local x = 1', '      print(x)', '[c] Copy', '' }
    )
    assert(vim.tbl_contains(marked(drawn[2]), '@keyword.lua:local'), vim.inspect(marked(drawn[2])))
    same(marked(lines({ kind = 'code', text = 'x', language = 'no such' })[1]), { 'Code:x' })
  end,

  ['diff: the path once, then the hunks'] = function()
    local drawn = lines({
      kind = 'diff',
      path = 'a.py',
      patch = '--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n x\n-old\n+new\n+++\n\\ No newline at end of file\n',
      actions = {
        { name = 'apply', label = 'Apply', style = 'primary' },
        { name = 'reject', label = 'Reject' },
      },
    })
    same(
      vim.tbl_map(function(line)
        return line.text
      end, drawn),
      {
        'a.py  +2 −1',
        '@@ -1,2 +1,2 @@',
        ' x',
        '-old',
        '+new',
        '+++',
        '\\ No newline at end of file',
        '[p] Apply  [r] Reject',
        '',
      }
    )
    same({ drawn[4].group, drawn[5].group }, { 'IdeAgentPanelRemoved', 'IdeAgentPanelAdded' })
  end,

  ['table: aligned by display width'] = function()
    same(
      texts(table_block({
        { id = '1', cells = { n = 'ağaç', s = '1' } },
        { id = '2', cells = { n = '漢字かな', s = '10' } },
        { id = '3', cells = { n = '👩‍💻 x', s = '100' } },
        { id = '4', cells = { n = 'é', s = '' } },
      }, { title = 'T' })),
      {
        'T',
        'Name      Size',
        '──────────────',
        'ağaç         1',
        '漢字かな    10',
        '👩‍💻 x       100',
        'é',
        '',
      }
    )
  end,

  ['table: narrow windows leave out the ends of long cells'] = function()
    same(
      texts(
        table_block({ { id = '1', cells = { n = '漢字かな漢字かな漢字かな', s = '12345678' } } }),
        24
      ),
      {
        'Name                Size',
        '────────────────────────',
        '漢字かな漢字…   12345678',
        '',
      }
    )
  end,

  ['table: names stay whole while other columns can give room'] = function()
    local block = table_block({
      { id = '1', cells = { n = 'qwen-coder-1.5b-instruct', s = ('x'):rep(60) } },
      { id = '2', cells = { n = 'qwen-coder-1.5b-base', s = '' } },
    })
    local drawn = texts(block, 40)
    same({ drawn[3]:match('^%S+'), drawn[4] }, { 'qwen-coder-1.5b-instruct', 'qwen-coder-1.5b-base' })
  end,

  ['table: numbers stay whole'] = function()
    local block = table_block({ { id = '1', cells = { n = ('x'):rep(30), s = '253.1 MB' } } })
    same(texts(block, 20)[3], ('x'):rep(9) .. '…  253.1 MB')
  end,

  ['table: a cell is one line, and nothing in it is obeyed'] = function()
    same(
      texts(table_block({ { id = '1', cells = { n = 'a\r\nb\n\nc', s = '\27[31m\0' } } })),
      { 'Name     Size', '─────────────', 'a b c  ␛[31m␀', '' }
    )
  end,

  ['table: no cell but a long name is cut for buttons'] = function()
    local block = table_block({
      { id = '1', cells = { n = ('x'):rep(99), s = ('1'):rep(12) }, actions = { PULL } },
    })
    same(texts(block, 54)[3], ('x'):rep(25) .. '…  ' .. ('1'):rep(12))
    same(texts(block, 53)[3], ('x'):rep(38) .. '…  ' .. ('1'):rep(12)) -- they go below it
    same(#texts({ kind = 'table', columns = {}, rows = { { id = '1', cells = {} } } }), 4)
  end,

  ['table: rows with buttons leave room for them'] = function()
    local block = table_block({
      { id = '1', cells = { n = ('x'):rep(99), s = '1' }, actions = { PULL } },
      { id = '2', cells = {} },
    })
    local drawn = lines(block, 48)
    same(drawn[3].text, ('x'):rep(27) .. '…     1')
    same(texts(block, 40)[3], ('x'):rep(33) .. '…     1') -- they go below it
    same({ drawn[3].target.row, drawn[3].key, drawn[4].target }, { '1', 'row 1' })
  end,

  ['table: prose for which there is no room stands below its row'] = function()
    local prose = 'Small and quick on any computer, no graphics card needed.'
    local block = table_block({
      { id = '1', cells = { n = 'starter', s = '98 MB', a = prose }, actions = { PULL } },
      { id = '2', cells = { n = 'other', s = '1 GB' } },
    }, {
      columns = {
        { key = 'n', label = 'Name' },
        { key = 's', label = 'Size', align = 'end' },
        { key = 'a', label = 'Good for' },
      },
    })
    local drawn = texts(block, 60)
    same({ drawn[1], drawn[3], drawn[4], drawn[5] }, {
      'Name      Size',
      'starter  98 MB',
      '  ' .. prose,
      'other     1 GB',
    })
    local below = lines(block, 60)[4]
    same({ below.target.row, below.whole()[3] }, { '1', 'Good for: ' .. prose })
    same(texts(block, 40)[4], '  Small and quick on any computer, no g…')
    same(texts(block, 120)[1], 'Name      Size  Good for')
  end,

  ['table: no rows'] = function()
    same(texts(table_block({}, { empty = 'none yet' })), { 'none yet', '' })
    same(texts(table_block({})), { 'nothing here', '' })
  end,

  ['form: labels, values, hints, and the button'] = function()
    local form = {
      kind = 'form',
      title = 'New',
      fields = {
        { name = 'n', label = 'Name', kind = 'text', value = 'a', required = true, hint = 'unique' },
        { name = 's', label = 'Token', kind = 'secret', value = 'hunter2' },
        { name = 'k', label = 'Count', kind = 'number', value = 3 },
        {
          name = 'c',
          label = 'Quant',
          kind = 'choice',
          value = 'q4',
          choices = { { value = 'q4', label = 'Q4_K_M' } },
        },
        { name = 'h', label = 'Keep', kind = 'check', value = true },
        { name = 'l', label = 'Notes', kind = 'lines', value = 'x\ny' },
      },
      submit = { name = 'save', label = 'Save' },
    }
    local function field(label, value)
      return label .. value .. (' '):rep(40 - vim.fn.strdisplaywidth(value))
    end
    same(texts(form), {
      'New',
      field('Name *  ', 'a') .. '  unique',
      field('Token   ', '••••••••'),
      field('Count   ', '3'),
      field('Quant   ', 'Q4_K_M ▾'),
      'Keep    [✓]',
      field('Notes   ', 'x'),
      field('        ', 'y'),
      '[s] Save',
      '',
    })
    same(texts(form, 60, { n = 'filled' })[2], field('Name *  ', 'filled') .. '  unique')
  end,

  ['form: a hint that has no room beside its field stands below it'] = function()
    local form = {
      kind = 'form',
      fields = {
        { name = 'l', label = 'Notes', kind = 'lines', value = 'x\ny', hint = ('h'):rep(20) },
        { name = 'c', label = 'Keep', kind = 'check', value = true, hint = ('i'):rep(20) },
      },
      submit = { name = 'save', label = 'Save' },
    }
    local drawn = lines(form, 60)
    same(vim.trim(drawn[2].text), 'y')
    same(drawn[3].text, '       ' .. ('h'):rep(20))
    same(marked(drawn[3]), { 'Muted:' .. ('h'):rep(20) })
    same(drawn[3].target.field.name, 'l')
    same(drawn[4].text, 'Keep   [✓]  ' .. ('i'):rep(20))
  end,

  ['progress: a bar'] = function()
    local bar = { kind = 'progress', label = 'tiny', percent = 50.7, detail = '1 MB/s' }
    same(
      texts(bar, 50),
      { 'tiny', '██████████▏░░░░░░░░░  50 %  1 MB/s', '' }
    )
    bar.percent = 100
    same(texts(bar, 50)[2], '████████████████████ 100 %  1 MB/s')
    bar.percent = vim.NIL
    same(texts(bar, 50)[2], '░░░░░░░░░░░░░░░░░░░░  1 MB/s')
    bar.percent = 1e300
    same(texts(bar, 50)[2], '████████████████████ 100 %  1 MB/s')
  end,

  ['where signs are two cells wide, lines are no longer'] = function()
    vim.o.ambiwidth = 'double'
    local bar = texts({ kind = 'progress', label = '', percent = 50 }, 50)[2]
    local rule = texts(table_block({ { id = '1', cells = { n = 'abcdefgh' } } }))[2]
    local cut = require('ide_agent.panel.text').fit('abcdef', 4)
    vim.o.ambiwidth = 'single'
    same({ bar, rule, cut }, { '█████' .. ('░'):rep(10) .. '  50 %', ('─'):rep(7), 'ab…' })
  end,

  ['chart: a line from corner to corner'] = function()
    same(texts(chart({ { 0, 0 }, { 10, 5 } }), 24), {
      'Loss',
      '5 ┤                  ⢀⠤⠊',
      '  │                ⡠⠒⠁',
      '  │             ⣀⠔⠉',
      '  │          ⢀⠤⠊',
      '  │        ⡠⠒⠁',
      '  │     ⣀⠔⠉',
      '  │  ⢀⠤⠊',
      '0 ┤⡠⠒⠁',
      '  └─────────────────────',
      '   0       step       10',
      '━━ a 5',
      '',
    })
  end,

  ['chart: nothing to plot'] = function()
    same(texts(chart({})), { 'Loss', 'nothing here', '' })
    same(texts(chart({ { vim.NIL, 1 } })), { 'Loss', 'nothing here', '' })
  end,

  ['image: what a terminal can say of it'] = function()
    local png = '\137PNG\r\n\26\n\0\0\0\13IHDR\0\0\2\128\0\0\1\224\8\6\0\0\0'
    same(
      texts({
        kind = 'image',
        source = 'data:image/png;base64,' .. vim.base64.encode(png),
        alt = 'a cat',
        boxes = { { x = 10, y = 20.5, width = 30, height = 40, label = 'ear' } },
      }),
      { 'Image: a cat  PNG, 640 × 480, 29 B', '  1. ear  10, 20.5  30 × 40', '' }
    )
    same(texts({ kind = 'image', source = 'data:image/webp;base64,!!!', alt = '' })[1], 'Image:   WEBP, 0 B')
  end,

  ['log: as a terminal would leave it'] = function()
    same(
      texts({ kind = 'log', title = 'Log', text = 'a\n\27[32mok\27[0m\n10 %\r20 %\r\nend\7\n' }),
      { 'Log', '│ a', '│ ok', '│ 20 %', '│ end␇', '' }
    )
    same(texts({ kind = 'log', text = '' }), { '│ ', '' })
  end,

  ['log: the last thousand lines'] = function()
    local said = {}
    for number = 1, 1500 do
      said[number] = tostring(number)
    end
    local drawn = lines({ kind = 'log', text = table.concat(said, '\n') .. '\n' })
    same({ #drawn, drawn[1].text, drawn[1000].text }, { 1001, '│ 501', '│ 1500' })
    same({ drawn[999].last, drawn[1000].last }, { nil, true })
  end,

  ['actions: letters of their own; what does harm takes a capital'] = function()
    local off = { name = 'off', label = 'Off', enabled = false }
    local drawn = lines({ kind = 'actions', actions = { PULL, { name = 'd', label = 'Detail' }, DROP, off } })
    same(drawn[1].text, '[p] Download  [d] Detail  [D] Remove  [-] Off')
    same(#drawn[1].places, 3)
  end,

  ['table: of two buttons of a row that share a letter one is chosen otherwise'] = function()
    local buttons = require('ide_agent.panel.line').buttons
    local own = { { name = 'close', label = 'Close' }, { name = 'forget', label = 'Forget' } }
    local chunks = buttons(own, context(), { block = 'b', row = 'r' })
    same({ chunks[1][1], chunks[3][1], chunks[3].target.letter }, { '[x] Close', '[↵] Forget' })
  end,

  ['actions: as many lines as they need'] = function()
    same(texts({ kind = 'actions', actions = { PULL, DROP } }, 20), { '[p] Download', '[D] Remove', '' })
  end,

  ['a kind of another version, and broken blocks, say so'] = function()
    same(texts({ kind = 'hologram' }), { '(this version cannot show “hologram”)', '' })
    same(texts({ kind = 'table', rows = 'no' }), { '(this version cannot show “table”)', '' })
    same(texts({ kind = vim.NIL }), { '(this version cannot show “”)', '' })
  end,
}
