local panels = require('ide_agent.panel')

local function same(actual, expected)
  assert(
    vim.deep_equal(actual, expected),
    ('%s is not %s'):format(vim.inspect(actual), vim.inspect(expected))
  )
end

---@param id string
---@param markdown? string
---@return table
local function text(id, markdown)
  return { kind = 'text', id = id, markdown = markdown or id }
end

local revision = 0

---@param ... table blocks
local function show(...)
  revision = revision + 1
  panels.show(
    { panel = { id = 't@en', title = 'T', language = 'en', revision = revision, blocks = { ... } } },
    7
  )
  vim.api.nvim_set_current_win(vim.fn.bufwinid('ide-agent://t@en'))
end

---@param ... table ops
local function patch(...)
  revision = revision + 1
  panels.patch({ id = 't@en', revision = revision, ops = { ... } }, 7)
end

--- Wait until what was changed is drawn.
local function drawn()
  local panel = assert(panels.get())
  assert(vim.wait(1000, function()
    return panel.dirty == nil
  end))
end

---@return string[]
local function lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

--- The changes to the buffer while `action` runs, as `first line:old end:new end`.
---@param action fun()
---@return string[]
local function changes(action)
  local seen, on = {}, true
  vim.api.nvim_buf_attach(0, false, {
    on_lines = function(_, _, _, first, old, new)
      if on then
        table.insert(seen, ('%d:%d:%d'):format(first, old, new))
      end
      return not on
    end,
  })
  action()
  drawn()
  on = false
  return seen
end

return {
  ['a panel is a buffer that cannot be changed'] = function()
    show(text('a'))
    same(lines(), { 'T', '', 'a', '' })
    same(vim.fn.line('.'), 1)
    same({ vim.bo.buftype, vim.bo.filetype, vim.bo.modifiable, vim.bo.modified }, {
      'nofile',
      'ide_agent_panel',
      false,
      false,
    })
  end,

  ['only the lines that changed are replaced'] = function()
    show(text('a', '1\n2\n3'), text('b'), text('c'))
    same(
      changes(function()
        patch({ op = 'set', block = text('a', '1\nzwei\n3'), before = '' })
      end),
      { '3:4:4' }
    )
    same(
      changes(function()
        patch({ op = 'set', block = text('b'), before = '' })
      end),
      {}
    )
    same(
      changes(function()
        patch({ op = 'append', id = 'c', text = '!' })
      end),
      { '8:9:9' }
    )
    same(lines(), { 'T', '', '1', 'zwei', '3', '', 'b', '', 'c!', '' })
  end,

  ['changes that come together are drawn once'] = function()
    show(text('a', ''))
    same(
      changes(function()
        for number = 1, 100 do
          patch({ op = 'append', id = 'a', text = tostring(number % 10) })
        end
      end),
      { '2:3:3' }
    )
    same(#lines()[3], 100)
  end,

  ['blocks come, go and change places'] = function()
    show(text('a'), text('b'), text('c'))
    patch({ op = 'remove', id = 'b' }, { op = 'set', block = text('d'), before = 'a' })
    drawn()
    same(lines(), { 'T', '', 'd', '', 'a', '', 'c', '' })
    show(text('c'), text('x'), text('d'))
    drawn()
    same(lines(), { 'T', '', 'c', '', 'x', '', 'd', '' })
    show()
    drawn()
    same(lines(), { 'T', '' })
  end,

  ['the cursor stays on what it was on, and so does the top of the window'] = function()
    show(text('a', ('x\n'):rep(100)), text('b', '1\n2\n3'))
    vim.api.nvim_win_set_cursor(0, { 105, 0 })
    vim.fn.winrestview({ topline = 100 })
    patch({ op = 'set', block = text('new', 'n\n\nn'), before = 'a' })
    drawn()
    same({ vim.api.nvim_get_current_line(), vim.fn.line('w0') }, { '2', 104 })
  end,

  ['the cursor follows its row'] = function()
    local function rows(...)
      return {
        kind = 'table',
        id = 't',
        columns = { { key = 'n', label = 'N' } },
        rows = vim.tbl_map(function(id)
          return { id = id, cells = { n = id } }
        end, { ... }),
      }
    end
    show(rows('a', 'b', 'c'))
    vim.fn.search('^c$')
    patch({ op = 'set', block = rows('x', 'y', 'a', 'c', 'b'), before = '' })
    drawn()
    same(vim.api.nvim_get_current_line(), 'c')
    patch({ op = 'remove', id = 't' })
    drawn()
    same(lines(), { 'T', '' })
  end,

  ['a log is followed by a cursor at its end, and by no other'] = function()
    show({ kind = 'log', id = 'l', text = '1\n2\n' }, text('after'))
    vim.fn.search('2$')
    patch({ op = 'append', id = 'l', text = '3\n4\n' })
    drawn()
    same(vim.api.nvim_get_current_line(), '│ 4')
    vim.fn.search('2$', 'b')
    patch({ op = 'append', id = 'l', text = '5\n' })
    drawn()
    same(vim.api.nvim_get_current_line(), '│ 2')
  end,

  ['a letter that is not on offer says what it is for and does nothing'] = function()
    local pressed, messages, press = {}, require('ide_agent.messages'), require('ide_agent.panel.press')
    local say, before = messages.say, press.press
    messages.say = function(key, values)
      table.insert(pressed, { key, values })
    end
    press.press = function(_, target)
      table.insert(pressed, target.action.name)
    end
    local stop = { kind = 'actions', id = 's', actions = { { name = 'stop', label = 'Stop' } } }
    show(stop, text('a'))
    vim.api.nvim_feedkeys('s', 'xt', false)
    patch({ op = 'remove', id = 's' }, {
      op = 'set',
      block = { kind = 'actions', id = 'n', actions = { { name = 's', label = 'S' } } },
      before = '',
    })
    drawn()
    vim.api.nvim_feedkeys('su', 'xt', false)
    messages.say, press.press = say, before
    same(pressed, { 'stop', { 'panel_letter', { letter = 's', label = 'Stop' } } })
  end,

  ['keys that insert go to the next field; none that change text fails'] = function()
    local form = {
      kind = 'form',
      id = 'f',
      fields = { { name = 'n', label = 'Name', kind = 'text', value = '' } },
      submit = { name = 'save', label = 'Save' },
    }
    show(text('a'), form)
    local function type(keys)
      vim.api.nvim_feedkeys(vim.keycode(keys), 'xt', false)
    end
    for _, key in ipairs({ 'i', 'a', 'I', 'A', 'gi', '<Insert>' }) do
      vim.api.nvim_win_set_cursor(0, { 1, 0 })
      type(key)
      assert(vim.startswith(vim.api.nvim_get_current_line(), 'Name'), key)
    end
    vim.api.nvim_win_set_cursor(0, { 1, 0 })
    vim.v.errmsg = ''
    for _, key in ipairs(require('ide_agent.panel.keys').inert) do
      vim.api.nvim_win_set_cursor(0, { key == 'i' and 1 or 3, 0 })
      type(key:find('^[iaIAg<]') and '<Ignore>' or key)
    end
    type('?iaoO~.<Del><Esc>')
    same({ vim.v.errmsg, vim.bo.filetype }, { '', 'ide_agent_panel' })
  end,

  ['what an action adds is brought into view, what comes by itself is not'] = function()
    local reveal = require('ide_agent.panel.reveal')
    show(text('a', ('x\n'):rep(100)), text('b', '1\n2'))
    local function look()
      drawn()
      return {
        vim.fn.line('.'),
        vim.fn.line('w0') <= vim.fn.search('^new', 'nw') and vim.fn.search('^new', 'nw') <= vim.fn.line('w$'),
      }
    end
    local new = { op = 'set', block = text('n', 'new\nend'), before = 'a' }
    local gone = { op = 'remove', id = 'n' }
    -- By itself.
    vim.api.nvim_win_set_cursor(0, { 102, 0 })
    vim.cmd.normal({ 'zz', bang = true })
    patch(new)
    same(look(), { 105, false })
    patch(gone)
    same(look(), { 102, false })
    -- Too far away for the cursor to stay.
    reveal.expect(panels.get())
    patch(new)
    same(look(), { 3, true })
    patch(gone)
    drawn()
    -- Near enough.
    vim.api.nvim_win_set_cursor(0, { 6, 0 })
    vim.fn.winrestview({ topline = 5 })
    reveal.expect(panels.get())
    patch({ op = 'append', id = 'b', text = '!' }, new)
    same(look(), { 9, true })
    patch(gone)
    drawn()
    -- Below.
    vim.api.nvim_win_set_cursor(0, { 100, 0 })
    vim.fn.winrestview({ topline = 98 - vim.api.nvim_win_get_height(0) + 3 })
    reveal.expect(panels.get())
    patch({ op = 'set', block = new.block, before = '' })
    same(look(), { 100, true })
    patch(gone)
    drawn()
    -- Not once they went on, nor after an answer that nothing came of.
    local cursor = { 102, 0 }
    for _, leave in ipairs({
      function()
        vim.api.nvim_win_set_cursor(0, { 101, 0 })
      end,
      function(awaited)
        reveal.answered(panels.get(), awaited, true)
      end,
    }) do
      vim.api.nvim_win_set_cursor(0, cursor)
      vim.cmd.normal({ 'zz', bang = true })
      leave(reveal.expect(panels.get()))
      patch(new)
      same(look()[2], false)
      patch(gone)
      drawn()
    end
  end,

  ['highlights move with their text'] = function()
    show(text('a', 'plain'), text('b', '**bold**'))
    patch({ op = 'set', block = text('a', 'one\ntwo\nthree'), before = '' })
    drawn()
    local found = vim.tbl_map(
      function(mark)
        return { mark[2], mark[3], mark[4].end_col, mark[4].hl_group }
      end,
      vim.api.nvim_buf_get_extmarks(
        0,
        vim.api.nvim_create_namespace('ide_agent.panel'),
        0,
        -1,
        { details = true }
      )
    )
    same(found, { { 0, 0, 1, 'IdeAgentPanelTitle' }, { 6, 0, 4, 'IdeAgentPanelBold' } })
  end,

  ['wild panels are drawn without an error'] = function()
    math.randomseed(20260131)
    local wild =
      { vim.NIL, true, -1, 0 / 1, 1e308, '', 'x\0\n\r\t\27[1m', ('漢'):rep(3000), {}, { {} }, { x = {} } }
    local kinds = { 'text', 'code', 'diff', 'table', 'form', 'progress', 'chart', 'image', 'log', 'actions' }
    local keys = {
      'markdown',
      'level',
      'text',
      'language',
      'title',
      'path',
      'patch',
      'actions',
      'columns',
      'rows',
      'empty',
      'fields',
      'submit',
      'label',
      'percent',
      'detail',
      'series',
      'x_label',
      'y_label',
      'source',
      'alt',
      'boxes',
    }
    for round = 1, 200 do
      local blocks = {}
      for index, kind in ipairs(kinds) do
        local block = { kind = kind, id = 'b' .. index }
        for _, key in ipairs(keys) do
          if math.random(3) > 1 then
            block[key] = wild[math.random(#wild)]
          end
        end
        table.insert(blocks, block)
      end
      show(unpack(blocks))
      drawn()
      require('ide_agent.panel.keys').shortcuts(panels.get())
      vim.api.nvim_win_set_cursor(0, { math.random(vim.api.nvim_buf_line_count(0)), 0 })
      require('ide_agent.panel.view').hint(panels.get())
      assert(#lines() >= 12, round)
    end
  end,
}
