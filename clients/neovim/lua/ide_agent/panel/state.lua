--- What a panel shows, as data: blocks in their order, and the changes to them.
local M = {}

---@class ide_agent.panel.State
---@field id string
---@field title string
---@field language string
---@field revision integer
---@field order string[] ids of the blocks
---@field blocks table<string, table> by id, as the wire has them

--- What the host keeps of a log, in characters; here in bytes.
local LONGEST_LOG = 400000

--- Where the text of a block that can grow stands.
local GROWS = { text = 'markdown', code = 'text', log = 'text' }

---@param state ide_agent.panel.State
---@param block any
---@param before? any
---@return string? id
local function put(state, block, before)
  if type(block) ~= 'table' or type(block.id) ~= 'string' then
    return nil
  end
  if not state.blocks[block.id] then
    local at = #state.order + 1
    for index, id in ipairs(state.order) do
      if id == before then
        at = index
      end
    end
    table.insert(state.order, at, block.id)
  end
  state.blocks[block.id] = block
  return block.id
end

--- What `ideAgent/panel/show` brought.
---@param panel table
---@return ide_agent.panel.State
function M.new(panel)
  local state = {
    id = panel.id,
    title = panel.title,
    language = panel.language,
    revision = panel.revision,
    order = {},
    blocks = {},
  }
  for _, block in ipairs(panel.blocks or {}) do
    put(state, block)
  end
  return state
end

---@type table<string, fun(state: ide_agent.panel.State, op: table): string?>
local OPS = {
  set = function(state, op)
    return put(state, op.block, op.before)
  end,
  append = function(state, op)
    local block = state.blocks[op.id]
    local grows = block and GROWS[block.kind]
    if not grows or type(op.text) ~= 'string' then
      return nil
    end
    local grown = block[grows] .. op.text
    if block.kind == 'log' and #grown > LONGEST_LOG then
      local at = #grown - LONGEST_LOG / 2 + 1
      grown = grown:sub(at + vim.str_utf_start(grown, at))
    end
    state.blocks[op.id] = vim.tbl_extend('force', block, { [grows] = grown })
    return op.id
  end,
  remove = function(state, op)
    if not state.blocks[op.id] then
      return nil
    end
    state.blocks[op.id] = nil
    state.order = vim.tbl_filter(function(id)
      return id ~= op.id
    end, state.order)
    return op.id
  end,
  title = function(state, op)
    state.title = op.title
    return ''
  end,
}

--- Apply what `ideAgent/panel/patch` brought.
---@param state ide_agent.panel.State
---@param patch table
---@return string[]? changed ids, '' for the title; nil when something was missed, and the whole is needed
function M.apply(state, patch)
  if patch.revision <= state.revision then
    return {}
  elseif patch.revision ~= state.revision + 1 then
    return nil
  end
  local changed = {}
  for _, op in ipairs(patch.ops) do
    local id = OPS[op.op] and OPS[op.op](state, op)
    if not id then
      return nil
    end
    table.insert(changed, id)
  end
  state.revision = patch.revision
  return changed
end

return M
