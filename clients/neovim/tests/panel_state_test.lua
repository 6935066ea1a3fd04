local state = require('ide_agent.panel.state')

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

---@return ide_agent.panel.State
local function new()
  return state.new({
    id = 'hub@en',
    title = 'Hub',
    language = 'en',
    revision = 5,
    blocks = { text('a'), text('b') },
  })
end

---@param own ide_agent.panel.State
---@param revision integer
---@param ... table
---@return string[]?
local function apply(own, revision, ...)
  return state.apply(own, { id = own.id, revision = revision, ops = { ... } })
end

return {
  ['set: in place, before another, at the end'] = function()
    local own = new()
    same(
      apply(
        own,
        6,
        { op = 'set', block = text('b', 'B'), before = 'a' },
        { op = 'set', block = text('c'), before = 'b' },
        { op = 'set', block = text('d'), before = '' },
        { op = 'set', block = text('e'), before = 'nowhere' }
      ),
      { 'b', 'c', 'd', 'e' }
    )
    same(own.order, { 'a', 'c', 'b', 'd', 'e' })
    same({ own.blocks.b.markdown, own.revision }, { 'B', 6 })
  end,

  ['append: to what can grow'] = function()
    local own = new()
    same(apply(own, 6, { op = 'append', id = 'a', text = ' more' }), { 'a' })
    same(own.blocks.a.markdown, 'a more')
    apply(own, 7, { op = 'set', block = { kind = 'log', id = 'l', text = 'x' }, before = '' })
    apply(own, 8, { op = 'append', id = 'l', text = 'y' })
    same(own.blocks.l.text, 'xy')
  end,

  ['append: a log forgets its start'] = function()
    local own = new()
    apply(own, 6, { op = 'set', block = { kind = 'log', id = 'l', text = '' }, before = '' })
    apply(own, 7, { op = 'append', id = 'l', text = ('ğ'):rep(300000) })
    assert(own.blocks.l.text == ('ğ'):rep(100000), #own.blocks.l.text)
  end,

  ['remove and title'] = function()
    local own = new()
    same(apply(own, 6, { op = 'remove', id = 'a' }, { op = 'title', title = 'New' }), { 'a', '' })
    same({ own.order, own.title, own.blocks.a }, { { 'b' }, 'New' })
  end,

  ['what was seen before is left alone'] = function()
    local own = new()
    same(apply(own, 5, { op = 'remove', id = 'a' }), {})
    same(own.order, { 'a', 'b' })
  end,

  ['what cannot be understood asks for the whole'] = function()
    for _, wrong in ipairs({
      { op = 'append', id = 'none', text = 'x' },
      { op = 'append', id = 'a', text = vim.NIL },
      { op = 'remove', id = 'none' },
      { op = 'set', block = vim.NIL },
      { op = 'turn' },
    }) do
      same(apply(new(), 6, wrong), nil)
    end
    same(apply(new(), 7, { op = 'remove', id = 'a' }), nil)
  end,

  ['a block with the same id twice is one'] = function()
    local own = state.new({ id = 'x', title = '', revision = 0, blocks = { text('a', '1'), text('a', '2') } })
    same({ own.order, own.blocks.a.markdown }, { { 'a' }, '2' })
  end,
}
