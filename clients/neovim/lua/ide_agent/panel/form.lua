--- What the user filled in: kept apart from what the server sent, until it is sent itself.
local messages = require('ide_agent.messages')
local text = require('ide_agent.panel.text')

local M = {}

---@class ide_agent.panel.Filled what the user gave to one form
---@field fields string the fields it belongs to
---@field values table<string, any>
---@field sent boolean since then nothing was changed

---@alias ide_agent.panel.Forms table<string, ide_agent.panel.Filled> by block

--- The fields a form asks for; a form with others is another one.
---@param form table
---@return string
local function fields(form)
  return table.concat(
    vim.tbl_map(function(field)
      return ('%s\0%s'):format(field.name, field.kind)
    end, form.fields),
    '\0'
  )
end

--- What each field holds now.
---@param forms ide_agent.panel.Forms
---@param form table
---@return table<string, any>
function M.values(forms, form)
  local filled = forms[form.id]
  local own = filled and filled.fields == fields(form) and filled.values or {}
  local values = {}
  for _, field in ipairs(form.fields) do
    values[field.name] = own[field.name] == nil and field.value or own[field.name]
  end
  return values
end

---@param forms ide_agent.panel.Forms
---@param form table
---@param name string
---@param value any
function M.fill(forms, form, name, value)
  local filled = forms[form.id]
  if not filled or filled.fields ~= fields(form) then
    filled = { fields = fields(form), values = {}, sent = false }
    forms[form.id] = filled
  end
  filled.values[name], filled.sent = value, false
end

--- The server sent a form anew. What the user was typing stays; what was sent gives way to what came of it.
---@param forms ide_agent.panel.Forms
---@param before table? the form as it was
---@param after table? as it is now
function M.renew(forms, before, after)
  local filled = before and forms[before.id]
  if not before or not filled then
    return
  elseif not after or after.kind ~= 'form' or fields(after) ~= filled.fields then
    forms[before.id] = nil
  elseif filled.sent then
    for index, field in ipairs(after.fields) do
      if field.value ~= before.fields[index].value then
        filled.values[field.name] = nil
      end
    end
  end
end

--- It was sent, and taken.
---@param forms ide_agent.panel.Forms
---@param form table
function M.sent(forms, form)
  local filled = forms[form.id]
  if not filled then
    return
  elseif form.clears then
    forms[form.id] = nil
    return
  end
  filled.sent = true
  for _, field in ipairs(form.fields) do
    if field.kind == 'secret' then
      filled.values[field.name] = nil
    end
  end
end

--- A number as people write it, with a decimal comma too.
---@param value any
---@return number? number nil when it is none that JSON knows
function M.number(value)
  local number = tonumber(type(value) == 'string' and value:gsub(',', '.', 1) or value)
  return number and number == number and math.abs(number) ~= math.huge and number or nil
end

--- What goes over the wire.
---@param forms ide_agent.panel.Forms
---@param form table
---@return table<string, any>? values nil when one is missing or no number
---@return table? field which one
function M.wire(forms, form)
  local values, out = M.values(forms, form), vim.empty_dict()
  for _, field in ipairs(form.fields) do
    local value = values[field.name]
    local blank = type(value) == 'string' and vim.trim(value) == ''
    local empty = blank or value == vim.NIL or (field.kind == 'check' and value ~= true)
    if field.kind == 'number' then
      local number = M.number(value)
      if not number and (field.required or not empty) then
        return nil, field
      end
      out[field.name] = number
    elseif field.required and empty then
      return nil, field
    elseif field.kind == 'check' then
      out[field.name] = value == true
    else
      out[field.name] = type(value) == 'number' and ('%.14g'):format(value) or text.string(value)
    end
  end
  return out
end

--- Several lines have a window of their own.
---@param field table
---@param value string
---@param done fun(value: string)
local function edit_lines(field, value, done)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(bufnr, ('ide-agent://%d/%s'):format(bufnr, field.name))
  vim.bo[bufnr].buftype, vim.bo[bufnr].bufhidden = 'acwrite', 'wipe'
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split(value, '\n', { plain = true }))
  vim.bo[bufnr].modified = false
  local width, height = math.floor(vim.o.columns * 0.7), math.floor(vim.o.lines * 0.5)
  vim.api.nvim_open_win(bufnr, true, {
    relative = 'editor',
    row = math.floor((vim.o.lines - height) / 2) - 1,
    col = math.floor((vim.o.columns - width) / 2),
    width = math.max(width, 1),
    height = math.max(height, 1),
    border = 'rounded',
    title = (' %s '):format(text.one_line(field.label)),
    footer = (' %s '):format(messages.get('panel_write')),
  })
  -- As in fields of one line, typing goes on at the end.
  vim.cmd.normal({ 'G$', bang = true })
  vim.cmd.startinsert({ bang = true })
  vim.api.nvim_create_autocmd('BufWriteCmd', {
    buffer = bufnr,
    callback = function()
      vim.bo[bufnr].modified = false
      done(table.concat(vim.api.nvim_buf_get_lines(bufnr, 0, -1, false), '\n'))
    end,
  })
end

---@param prompt string
---@param value string
---@param done fun(value: string?)
local function edit_secret(prompt, value, done)
  -- <Esc> gives '' as well: it keeps what there was.
  local given = vim.fn.inputsecret(prompt)
  vim.cmd.redraw()
  done(given ~= '' and given or value)
end

--- What may be meant by the text that is being asked for.
---@type string[]
local suggested = {}

--- Those of the suggestions that have what was typed last in them, behind what stands before its comma; for <Tab>.
---@param typed string
---@return string[]
function M.complete(typed)
  local before, last = typed:match('^(.*,%s*)(.*)$')
  before, last = before or '', (last or typed):lower()
  local found = vim.tbl_filter(function(name)
    return name:lower():find(last, 1, true) ~= nil
  end, suggested)
  return vim.tbl_map(function(name)
    return before .. name
  end, found)
end

--- Let the user fill in a field.
---@param field table
---@param value any what it holds
---@param done fun(value: any)
function M.edit(field, value, done)
  local label = text.one_line(field.label)
  local prompt = label .. ': '
  if field.kind == 'check' then
    done(value ~= true)
  elseif field.kind == 'choice' then
    vim.ui.select(field.choices or {}, {
      prompt = prompt,
      format_item = function(choice)
        return text.one_line(choice.label)
      end,
    }, function(choice)
      if choice then
        done(choice.value)
      end
    end)
  elseif field.kind == 'lines' then
    edit_lines(field, text.string(value), done)
  elseif field.kind == 'secret' then
    edit_secret(prompt, text.string(value), done)
  else
    local default = type(value) == 'number' and ('%.14g'):format(value) or text.string(value)
    suggested = vim.tbl_map(function(choice)
      return choice.value
    end, field.choices or {})
    vim.ui.input({
      prompt = #suggested > 0 and messages.get('panel_suggests', { label = label }) or prompt,
      default = default,
      completion = #suggested > 0 and "customlist,v:lua.require'ide_agent.panel.form'.complete" or nil,
    }, function(given)
      if given then
        done(given)
      end
    end)
  end
end

return M
