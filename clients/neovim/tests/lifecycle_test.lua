local lifecycle = require('ide_agent.lifecycle')
local messages = require('ide_agent.messages')

--- End servers at these times; what happened then.
---@param minutes number[]
---@return integer starts
---@return string[] said
local function crash_at(minutes)
  local now, enable, enabled, say = vim.uv.now, vim.lsp.enable, vim.lsp.is_enabled, messages.say
  local starts, said = 0, {}
  vim.lsp.is_enabled = function()
    return true
  end
  vim.lsp.enable = function(_, on)
    starts = starts + (on == false and 0 or 1)
  end
  messages.say = function(key)
    table.insert(said, key)
  end
  lifecycle.restart()
  for _, minute in ipairs(minutes) do
    vim.uv.now = function()
      return minute * 60 * 1000
    end
    lifecycle.exited(1, 0, 4711)
  end
  vim.uv.now = now
  vim.wait(1000, function()
    return starts + #said == #minutes + 2
  end)
  vim.lsp.enable, vim.lsp.is_enabled, messages.say = enable, enabled, say
  return starts - 1, said
end

---@param minutes number[]
---@param starts integer
---@param said string[]
local function expect(minutes, starts, said)
  local seen = { crash_at(minutes) }
  assert(vim.deep_equal(seen, { starts, said }), vim.inspect(seen))
end

return {
  ['a server that keeps on crashing is given up, and that is said'] = function()
    expect({ 0, 1, 2, 2.5 }, 3, { 'restarted', 'gave_up' })
  end,

  ['crashes of long ago are forgotten'] = function()
    expect({ 0, 1, 2, 4.5, 5, 8, 60 }, 7, { 'restarted' })
  end,

  ['a restart by hand forgets them all'] = function()
    expect({ 0, 0, 0 }, 3, { 'restarted' })
    expect({ 0, 0, 0 }, 3, { 'restarted' })
  end,

  ['a server that leaves properly is not started anew'] = function()
    local enable, called = vim.lsp.enable, false
    vim.lsp.enable = function()
      called = true
    end
    lifecycle.exited(0, 0, 4711)
    vim.wait(50, function()
      return called
    end)
    vim.lsp.enable = enable
    assert(not called)
  end,
}
