--- Cutting suggestions: plain functions on strings, no editor state but 'iskeyword'.
local M = {}

--- Lines end in LF here, whatever the document's line ends are: a Neovim buffer keeps them apart from its text.
---@param text string
---@return string
function M.normalize(text)
  return (text:gsub('\r\n?', '\n'))
end

---@param text string
---@return string[]
function M.lines(text)
  return vim.split(text, '\n', { plain = true })
end

---@param text string
---@return integer units UTF-16 code units
function M.utf16(text)
  return vim.str_utfindex(text, 'utf-16')
end

--- The first word with the white space before it: a run of keyword characters, or of others.
---@param text string
---@return string
function M.word(text)
  local word = vim.fn.matchstr(text, [[^\_s*\%(\k\+\|\%(\k\@![^[:blank:]\n]\)\+\)]])
  return word ~= '' and word or text
end

--- Up to the end of the line; a line break in front belongs to it.
---@param text string
---@return string
function M.line(text)
  local stop = text:find('\n', 2, true)
  return stop and text:sub(1, stop - 1) or text
end

---@class ide_agent.Piece
---@field at integer byte offset in the replaced text, 0-based
---@field text string what goes in there

--- How `inserted` comes from `replaced` by insertions alone.
---@param inserted string
---@param replaced string
---@return ide_agent.Piece[]? pieces nil when something must go
function M.pieces(inserted, replaced)
  if vim.endswith(inserted, replaced) then
    return { { at = 0, text = inserted:sub(1, #inserted - #replaced) } }
  end
  local pieces, at, run = {}, 0, ''
  for _, char in ipairs(vim.fn.split(inserted, [[\zs]])) do
    if at < #replaced and replaced:sub(at + 1, at + #char) == char then
      if run ~= '' then
        table.insert(pieces, { at = at, text = run })
        run = ''
      end
      at = at + #char
    else
      run = run .. char
    end
  end
  if at < #replaced then
    return nil
  end
  if run ~= '' then
    table.insert(pieces, { at = at, text = run })
  end
  return pieces
end

--- How much of `replaced` has to go once the suggestion is taken up to `rest`.
---@param rest string what is still suggested
---@param replaced string
---@return integer bytes
function M.consumed(rest, replaced)
  local left = replaced
  while left ~= '' and (rest == '' or not M.pieces(rest, left)) do
    left = left:sub(#vim.fn.matchstr(left, '.') + 1)
  end
  return #replaced - #left
end

--- Tabs as spaces: virtual text does not expand them.
---@param text string one line
---@param column integer screen column at which the text starts, 0-based
---@return string
function M.expand(text, column)
  local out = ''
  for part, tab in text:gmatch('([^\t]*)(\t?)') do
    out = out .. part
    if tab ~= '' then
      local at = column + vim.fn.strdisplaywidth(out, column)
      out = out .. (' '):rep(vim.fn.strdisplaywidth('\t', at))
    end
  end
  return out
end

return M
