--- A `code` block, highlighted where Neovim has a parser for its language.
local line = require('ide_agent.panel.line')
local text = require('ide_agent.panel.text')

local INDENT = '  '
local LONGEST = 100000

--- Highlights by line: tree-sitter's, those that come later win.
---@param source string
---@param language string
---@return table<integer, ide_agent.panel.Span[]> by line, 0-based
local function highlights(source, language)
  local found = {}
  local name = vim.treesitter.language.get_lang(language) or language
  if language == '' or #source > LONGEST or not pcall(vim.treesitter.language.add, name) then
    return found
  end
  local fine, tree = pcall(function()
    return vim.treesitter.get_string_parser(source, name):parse()[1]
  end)
  local query = fine and vim.treesitter.query.get(name, 'highlights')
  if not query then
    return found
  end
  for id, node in query:iter_captures(tree:root(), source) do
    local group = ('@%s.%s'):format(query.captures[id], name)
    local from, from_col, to, to_col = node:range()
    for row = from, to do
      found[row] = found[row] or {}
      table.insert(found[row], { row == from and from_col or 0, row == to and to_col or math.huge, group })
    end
  end
  return found
end

---@param block table
---@param context ide_agent.panel.Context
---@return ide_agent.panel.Draft[]
return function(block, context)
  local drafts = line.heading(block.title)
  local source = text.clean((text.string(block.text):gsub('\n$', '')))
  local spans = highlights(source, text.string(block.language):lower())
  for number, said in ipairs(vim.split(source, '\n', { plain = true })) do
    local draft = { { INDENT }, { said, not spans[number - 1] and 'IdeAgentPanelCode' or nil } }
    draft.spans = vim.tbl_map(function(span)
      return { #INDENT + span[1], #INDENT + math.min(span[2], #said), span[3] }
    end, spans[number - 1] or {})
    table.insert(drafts, draft)
  end
  return vim.list_extend(drafts, line.button_lines(block.actions, context, { block = block.id }))
end
