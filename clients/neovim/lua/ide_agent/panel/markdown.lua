--- Markdown as lines: its marks become highlights. What it cannot show stays as it was written; HTML is text.
local text = require('ide_agent.panel.text')

local M = {}

--- Longer lines are not looked into, nor are marks in marks in marks.
local LONGEST = 4000
local DEEPEST = 4

local MARKS = {
  { mark = '**', group = 'IdeAgentPanelBold' },
  { mark = '__', group = 'IdeAgentPanelBold', word = true },
  { mark = '~~', group = 'IdeAgentPanelMuted' },
  { mark = '*', group = 'IdeAgentPanelItalic' },
  { mark = '_', group = 'IdeAgentPanelItalic', word = true },
}

--- What its backslashes escape, as it is.
---@param value string
---@return string
local function unescape(value)
  return (value:gsub('\\(%p)', '%1'))
end

---@param url string
---@return boolean
local function can_open(url)
  return url:find('^https?://[^%s]+$') ~= nil or url:find('^mailto:[^%s]+$') ~= nil
end

---@class ide_agent.panel.Inline
---@field block string
---@field add fun(text: string, group?: string, url?: string)

--- The address shows: nothing else tells where a link leads.
---@param out ide_agent.panel.Inline
---@param label string
---@param url string
---@param group? string
local function add_link(out, label, url, group)
  label, url = unescape(label), unescape(url)
  if not can_open(url) then
    out.add(('%s (%s)'):format(label, url), group)
  elseif label == '' or label == url then
    out.add(url, 'IdeAgentPanelLink', url)
  else
    out.add(label, 'IdeAgentPanelLink', url)
    out.add((' (%s)'):format(url), 'IdeAgentPanelMuted')
  end
end

---@param value string
---@param at integer
---@param mark { mark: string, group: string, word?: boolean }
---@param open table<string, true> marks that nothing closes from here on
---@return integer? first of the text between the marks
---@return integer? last
local function between(value, at, mark, open)
  local size = #mark.mark
  if value:sub(at, at + size - 1) ~= mark.mark or value:find('^%s', at + size) then
    return nil
  elseif mark.word and value:sub(at - 1, at - 1):find('[%w\128-\255]') then
    return nil
  end
  local stop = value:find(mark.mark, at + size, true)
  while stop do
    local fits = stop > at + size and not value:sub(stop - 1, stop - 1):find('[%s\\]')
    if fits and not (mark.word and value:find('^[%w\128-\255]', stop + size)) then
      return at + size, stop - 1
    end
    stop = value:find(mark.mark, stop + size, true)
  end
  open[mark.mark] = true
end

---@param out ide_agent.panel.Inline
---@param value string
---@param group? string
---@param depth integer
local function inline(out, value, group, depth)
  local at, plain = 1, 1
  -- Marks that nothing closes, so that a line full of them is gone through once.
  local open = {}
  local function flush(stop)
    if stop >= plain then
      out.add(value:sub(plain, stop), group)
    end
  end
  ---@param from integer of what is not plain
  ---@param next_at integer behind it
  local function pass(from, next_at)
    flush(from - 1)
    at, plain = next_at, next_at
  end
  ---@return boolean found
  local function special()
    if value:find('^\\%p', at) then
      pass(at, at + 1)
      at = at + 1
      return true
    end
    local ticks = value:match('^`+', at)
    if ticks then
      local first, last
      if not open[ticks] then
        first, last = value:find('[^`]' .. ticks .. '%f[^`]', at + #ticks)
      end
      open[ticks] = not first
      if first then
        local from = at
        pass(from, last + 1)
        out.add(value:sub(from + #ticks, first), 'IdeAgentPanelCode')
        return true
      end
      at = at + #ticks
      return true
    end
    local label, url, stop = value:match('^!?%[([^%[%]]*)%]%(([^%s()]+)%)()', at)
    if not label then
      url, stop = value:match('^<(%a+:[^%s<>]+)>()', at)
      label = ''
    end
    if not url and (at == 1 or value:sub(at - 1, at - 1):find('[%s(]')) then
      url, stop = value:match('^(https?://[^%s<>()]*[%w/])()', at)
    end
    if url then
      pass(at, stop)
      add_link(out, label, url, group)
      return true
    end
    for _, mark in ipairs(depth < DEEPEST and MARKS or {}) do
      local first, last
      if not open[mark.mark] then
        first, last = between(value, at, mark, open)
      end
      if first then
        pass(at, last + #mark.mark + 1)
        inline(out, value:sub(first, last), mark.group, depth + 1)
        return true
      end
    end
    return false
  end
  while at <= #value do
    local found = value:find('[\\`!%[<h*_~]', at)
    at = found or #value + 1
    if found and not special() then
      at = at + 1
    end
  end
  flush(#value)
end

---@param value string one line
---@param block string
---@param group? string
---@return ide_agent.panel.Draft
local function spans(value, block, group)
  local draft = {}
  local function add(part, part_group, url)
    if part ~= '' then
      table.insert(draft, { part, part_group, target = url and { block = block, url = url } })
    end
  end
  inline({ block = block, add = add }, value, group, 0)
  return draft
end

---@param draft ide_agent.panel.Draft
---@param start string
---@param group? string
---@return ide_agent.panel.Draft
local function behind(start, draft, group)
  table.insert(draft, 1, { start, group })
  return draft
end

---@param line string
---@param block string
---@param width integer
---@return ide_agent.panel.Draft
local function one(line, block, width)
  if #line > LONGEST then
    return { { unescape(line) } }
  end
  local heading = line:match('^#+%s+(.-)%s*#*$')
  if heading and #line:match('^#+') <= 6 then
    return spans(heading, block, 'IdeAgentPanelHeading')
  elseif line:find('^%s*%-%s*%-%s*%-[%s-]*$') or line:find('^%s*%*%s*%*%s*%*[%s*]*$') then
    return { { text.row('─', math.min(width, 40)), 'IdeAgentPanelMuted' } }
  end
  local indent, item = line:match('^(%s*)[-*+]%s+(.*)$')
  if item then
    return behind(indent .. '• ', spans(item, block), 'IdeAgentPanelMuted')
  end
  local quoted = line:match('^%s*>%s?(.*)$')
  if quoted then
    return behind('▎ ', spans(quoted, block, 'IdeAgentPanelMuted'), 'IdeAgentPanelMuted')
  end
  return spans(text.trim_end((line:gsub('\\$', ''))), block)
end

--- Draw it.
---@param source any
---@param block string id, for the links
---@param width integer cells
---@return ide_agent.panel.Draft[]
function M.draw(source, block, width)
  local drafts, fence = {}, nil
  for _, line in ipairs(text.lines(text.trim_end(text.string(source)))) do
    local mark = line:match('^%s*(```+)') or line:match('^%s*(~~~+)')
    if fence then
      if mark and vim.startswith(mark, fence) then
        fence = nil
      else
        table.insert(drafts, { { '  ' .. line, 'IdeAgentPanelCode' } })
      end
    elseif mark then
      fence = mark
    else
      table.insert(drafts, one(line, block, width))
    end
  end
  return drafts
end

return M
