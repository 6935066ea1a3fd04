--- Where the cursor and the top of each window are, told by what stands there: lines come and go above them.
local M = {}

---@class ide_agent.panel.Drawn one block in the buffer
---@field id string '' for the title
---@field lines ide_agent.panel.Line[]

--- The block on a line of the buffer.
---@param drawn ide_agent.panel.Drawn[]
---@param row integer 0-based
---@return ide_agent.panel.Drawn?
---@return integer offset within the block, 0-based
function M.at(drawn, row)
  for _, block in ipairs(drawn) do
    if row < #block.lines then
      return block, row
    end
    row = row - #block.lines
  end
  return nil, 0
end

---@class ide_agent.panel.Anchor
---@field id string
---@field offset integer
---@field index integer the place of the block among the others
---@field key? string
---@field last boolean

---@param drawn ide_agent.panel.Drawn[]
---@param row integer 0-based
---@return ide_agent.panel.Anchor?
function M.anchor(drawn, row)
  local block, offset = M.at(drawn, row)
  if not block then
    return nil
  end
  local line = block.lines[offset + 1]
  local index = 1
  while drawn[index] ~= block do
    index = index + 1
  end
  return { id = block.id, offset = offset, index = index, key = line.key, last = line.last == true }
end

---@param lines ide_agent.panel.Line[]
---@param anchor ide_agent.panel.Anchor
---@return integer? offset
local function found(lines, anchor)
  for offset, line in ipairs(lines) do
    if anchor.last and line.last or (not anchor.last and anchor.key and line.key == anchor.key) then
      return offset - 1
    end
  end
end

--- Where a table's row is that went into another table, as a model does when it was downloaded.
---@param drawn ide_agent.panel.Drawn[]
---@param anchor ide_agent.panel.Anchor
---@return integer? row 0-based
local function elsewhere(drawn, anchor)
  local start = 0
  for _, block in ipairs(anchor.key and vim.startswith(anchor.key, 'row ') and drawn or {}) do
    local offset = found(block.lines, anchor)
    if offset then
      return start + offset
    end
    start = start + #block.lines
  end
end

--- Where it is now; where its block was, when that is gone.
---@param drawn ide_agent.panel.Drawn[]
---@param anchor ide_agent.panel.Anchor
---@return integer row 0-based
function M.row(drawn, anchor)
  local start, instead = 0, 0
  for index, block in ipairs(drawn) do
    if block.id == anchor.id then
      local offset = found(block.lines, anchor)
      local instead_of = math.max(math.min(anchor.offset, #block.lines - 1), 0)
      return offset and start + offset or elsewhere(drawn, anchor) or start + instead_of
    elseif index <= anchor.index then
      instead = start
    end
    start = start + #block.lines
  end
  return elsewhere(drawn, anchor) or instead
end

---@class ide_agent.panel.Scene
---@field win integer
---@field view vim.fn.winsaveview.ret
---@field cursor? ide_agent.panel.Anchor
---@field top? ide_agent.panel.Anchor

--- What each window on the buffer looks at.
---@param bufnr integer
---@param drawn ide_agent.panel.Drawn[]
---@return ide_agent.panel.Scene[]
function M.save(bufnr, drawn)
  return vim.tbl_map(function(win)
    local view = vim.api.nvim_win_call(win, vim.fn.winsaveview)
    return {
      win = win,
      view = view,
      cursor = M.anchor(drawn, view.lnum - 1),
      top = M.anchor(drawn, view.topline - 1),
    }
  end, vim.fn.win_findbuf(bufnr))
end

--- Let them look at it again.
---@param scenes ide_agent.panel.Scene[]
---@param drawn ide_agent.panel.Drawn[]
function M.restore(scenes, drawn)
  for _, scene in ipairs(scenes) do
    local view, cursor, top = scene.view, scene.cursor, scene.top
    if vim.api.nvim_win_is_valid(scene.win) then
      local lnum = cursor and M.row(drawn, cursor) + 1 or 1
      -- Who reads the end of a log goes on reading it there.
      local follows = cursor and cursor.last
      view.topline = follows and view.topline + lnum - view.lnum or top and M.row(drawn, top) + 1 or 1
      view.lnum = lnum
      vim.api.nvim_win_call(scene.win, function()
        vim.fn.winrestview(view)
      end)
    end
  end
end

return M
