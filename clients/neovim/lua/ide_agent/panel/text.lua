--- Text that others wrote, made fit for a buffer: harmless, and as wide as it may be.
local M = {}

--- Marks that turn the direction of the text around them, and so make it read as something else.
local DIRECTIONS = {
  ['\216\156'] = '061c',
  ['\226\128\142'] = '200e',
  ['\226\128\143'] = '200f',
  ['\226\128\170'] = '202a',
  ['\226\128\171'] = '202b',
  ['\226\128\172'] = '202c',
  ['\226\128\173'] = '202d',
  ['\226\128\174'] = '202e',
  ['\226\129\166'] = '2066',
  ['\226\129\167'] = '2067',
  ['\226\129\168'] = '2068',
  ['\226\129\169'] = '2069',
}

---@param char string
---@return string
local function picture(char)
  return char == '\127' and '␡' or vim.fn.nr2char(0x2400 + char:byte())
end

--- Whatever came, as a string; what is none is empty.
---@param value any
---@return string
function M.string(value)
  return type(value) == 'string' and value or ''
end

--- Control characters become pictures of themselves; line feeds stay.
---@param value any
---@return string
function M.clean(value)
  local text = M.string(value):gsub('\r\n', '\n')
  if text:find('[%z\1-\9\11-\31\127]') then
    text = text:gsub('\t', '    '):gsub('[%z\1-\9\11-\31\127]', picture)
  end
  if text:find('[\194\216\226]') then
    text = text:gsub('\194([\128-\159])', function(second)
      return ('<%02x>'):format(second:byte())
    end)
    text = text:gsub('\216\156', '<061c>'):gsub('\226[\128\129][\142-\174]', function(char)
      return DIRECTIONS[char] and '<' .. DIRECTIONS[char] .. '>'
    end)
  end
  return text
end

--- Without the white space at its end. A pattern would take its time over a long run of blanks.
---@param value string
---@return string
function M.trim_end(value)
  local stop = #value
  while stop > 0 and value:find('^%s', stop) do
    stop = stop - 1
  end
  return value:sub(1, stop)
end

--- More of a text that has one line is not looked at.
local LONGEST_LINE = 4000

--- The same on one line.
---@param value any
---@return string
function M.one_line(value)
  local text = M.string(value)
  if #text > LONGEST_LINE then
    text = text:sub(1, LONGEST_LINE + vim.str_utf_end(text, LONGEST_LINE)) .. '…'
  end
  return (vim.trim(M.clean(text)):gsub('%s*\n%s*', ' '))
end

---@param value any
---@return string[]
function M.lines(value)
  return vim.split(M.clean(value), '\n', { plain = true })
end

---@param text string
---@return integer cells
function M.width(text)
  return text:find('[^ -~]') and vim.fn.strdisplaywidth(text) or #text
end

--- Its start, as long as there is room; what was left out shows as an ellipsis.
---@param text string one line
---@param width integer cells, 1 at least
---@return string
function M.fit(text, width)
  if #text <= width or (#text < 4096 and M.width(text) <= width) then
    return text
  end
  local dots = M.width('…')
  if not text:find('[^ -~]') then
    return text:sub(1, width - dots) .. '…'
  end
  -- Only a start that surely suffices is taken apart: texts may be huge.
  local head = vim.fn.strpart(text, 0, width * 32)
  local out, used = {}, 0
  for _, char in ipairs(vim.fn.split(head, [[\zs]])) do
    local more = M.width(char)
    if used + more > width - dots then
      break
    end
    table.insert(out, char)
    used = used + more
  end
  return table.concat(out) .. '…'
end

--- A row of the same sign; some are two cells wide, by 'ambiwidth'.
---@param sign string
---@param width integer cells
---@return string
function M.row(sign, width)
  return sign:rep(math.floor(width / M.width(sign)))
end

--- Exactly as wide.
---@param text string one line
---@param width integer cells
---@param align? 'start'|'end'
---@return string
function M.pad(text, width, align)
  local fitted = M.fit(text, math.max(width, 1))
  local blanks = (' '):rep(width - M.width(fitted))
  return align == 'end' and blanks .. fitted or fitted .. blanks
end

return M
