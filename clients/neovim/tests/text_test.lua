local text = require('ide_agent.text')

local function same(actual, expected)
  assert(
    vim.deep_equal(actual, expected),
    ('%s is not %s'):format(vim.inspect(actual), vim.inspect(expected))
  )
end

---@param whole string
---@param cut fun(rest: string): string
---@return string[]
local function parts(whole, cut)
  local out = {}
  while whole ~= '' do
    local part = cut(whole)
    assert(part ~= '', 'no progress')
    table.insert(out, part)
    whole = whole:sub(#part + 1)
  end
  return out
end

return {
  ['line ends become LF'] = function()
    same(text.normalize('a\r\nb\rc\nd'), 'a\nb\nc\nd')
    same(select('#', text.normalize('a')), 1)
  end,

  ['lines keep empty ones'] = function()
    same(text.lines('a\n\nb\n'), { 'a', '', 'b', '' })
    same(text.lines(''), { '' })
  end,

  ['length in UTF-16 units'] = function()
    same(text.utf16('aş漢😀'), 5)
    same(text.utf16(''), 0)
  end,

  ['words take the white space before them'] = function()
    same(
      parts('for x in xs:\n    print(x)', text.word),
      { 'for', ' x', ' in', ' xs', ':', '\n    print', '(', 'x', ')' }
    )
  end,

  ['words in other scripts'] = function()
    same(parts('değişken = 漢字', text.word), { 'değişken', ' =', ' 漢字' })
  end,

  ['white space alone is a word'] = function()
    same(parts('a \n ', text.word), { 'a', ' \n ' })
  end,

  ['lines take the break before them'] = function()
    same(parts('a b\n  c\n\nd', text.line), { 'a b', '\n  c', '\n', '\nd' })
    same(parts('\n', text.line), { '\n' })
  end,

  ['pieces: nothing is replaced'] = function()
    same(text.pieces('abc', ''), { { at = 0, text = 'abc' } })
  end,

  ['pieces: the end stays'] = function()
    same(text.pieces('a, b)', ')'), { { at = 0, text = 'a, b' } })
    same(text.pieces('f(x))', ')'), { { at = 0, text = 'f(x)' } })
  end,

  ['pieces: something comes after'] = function()
    same(text.pieces(') -> int:', ')'), { { at = 1, text = ' -> int:' } })
  end,

  ['pieces: in between'] = function()
    same(
      text.pieces('a[0] + b[1];', '[];'),
      { { at = 0, text = 'a' }, { at = 1, text = '0' }, { at = 2, text = ' + b[1]' } }
    )
  end,

  ['pieces: multibyte text'] = function()
    same(text.pieces('ağ漢!', 'ğ!'), { { at = 0, text = 'a' }, { at = 2, text = '漢' } })
  end,

  ['pieces: a change is none'] = function()
    same(text.pieces('new', 'old'), nil)
    same(text.pieces('', ')'), nil)
  end,

  ['consumed: what the rest still has stays'] = function()
    same(text.consumed(', b)', ')'), 0)
    same(text.consumed(' -> int:', ')'), 1)
    same(text.consumed('', 'ğ)'), 3)
    same(text.consumed('b', 'ab'), 1)
  end,

  ['tabs become spaces up to the next stop'] = function()
    vim.bo.tabstop = 4
    same(text.expand('\ta\tb', 0), '    a   b')
    same(text.expand('\ta', 2), '  a')
    same(text.expand('漢\tx', 0), '漢  x')
    same(text.expand('', 0), '')
  end,
}
