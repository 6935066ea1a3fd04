local ghost = require('ide_agent.ghost')

---@param line string
---@param drawing { rest: string, replaced: string?, tail: string?, col: integer? }
---@return table[] marks
local function drawn(line, drawing)
  vim.api.nvim_buf_set_lines(0, 0, -1, true, { line })
  ghost.draw(0, {
    row = 0,
    col = drawing.col or #line,
    rest = drawing.rest,
    replaced = drawing.replaced or '',
    tail = drawing.tail or '',
  })
  return vim.tbl_map(function(mark)
    return {
      col = mark[3],
      first = mark[4].virt_text,
      pos = mark[4].virt_text_pos,
      below = mark[4].virt_lines,
    }
  end, vim.api.nvim_buf_get_extmarks(0, ghost.namespace, 0, -1, { details = true }))
end

local function same(actual, expected)
  assert(
    vim.deep_equal(actual, expected),
    ('%s is not %s'):format(vim.inspect(actual), vim.inspect(expected))
  )
end

local H = ghost.highlight

return {
  ['one line goes in before what follows'] = function()
    same(
      drawn('x = ;', { col = 4, rest = '1', tail = ';' }),
      { { col = 4, first = { { '1', H } }, pos = 'inline' } }
    )
  end,

  ['several lines at the end of a line'] = function()
    same(drawn('if x:', { rest = '\n\ty\nz' }), {
      { col = 5, first = { { '', H } }, pos = 'inline', below = { { { '        y', H } }, { { 'z', H } } } },
    })
  end,

  ['several lines in the middle carry the rest of the line down'] = function()
    same(drawn('f() or g', { col = 2, rest = 'a,\nb', tail = ') or g' }), {
      {
        col = 2,
        first = { { 'a,', H }, { '    ' } },
        pos = 'overlay',
        below = { { { 'b', H }, { ') or g' } } },
      },
    })
  end,

  ['brackets that are there already are not drawn twice'] = function()
    same(
      drawn('f()', { col = 2, rest = 'a)', replaced = ')' }),
      { { col = 2, first = { { 'a', H } }, pos = 'inline' } }
    )
  end,

  ['text that goes away is covered'] = function()
    same(drawn('x = old_name # n', { col = 4, rest = 'y', replaced = 'old_name', tail = ' # n' }), {
      { col = 4, first = { { 'y', H }, { ' # n' }, { '       ' } }, pos = 'overlay' },
    })
  end,

  ['drawing again leaves nothing of the first'] = function()
    drawn('a', { rest = '1\n2' })
    same(#drawn('a', { rest = '3' }), 1)
    ghost.clear()
    same(vim.api.nvim_buf_get_extmarks(0, ghost.namespace, 0, -1, {}), {})
  end,

  ['a buffer that went away in the meantime'] = function()
    drawn('a', { rest = '1' })
    vim.cmd('enew! | silent! %bwipeout! #')
    ghost.clear()
  end,
}
