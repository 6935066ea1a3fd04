--- The size of an image, from its first bytes.
local M = {}

--- How much of a file is looked at, in bytes; a multiple of 3.
local HEAD = 3 * 65536

---@param data string
---@param at integer
---@param count integer
---@param little? boolean
---@return integer?
local function uint(data, at, count, little)
  if #data < at + count - 1 then
    return nil
  end
  local value = 0
  for index = 0, count - 1 do
    value = value * 256 + data:byte(little and at + count - 1 - index or at + index)
  end
  return value
end

---@type table<string, fun(data: string): integer?, integer?>
local READ = {
  png = function(data)
    return uint(data, 17, 4), uint(data, 21, 4)
  end,
  gif = function(data)
    return uint(data, 7, 2, true), uint(data, 9, 2, true)
  end,
  jpeg = function(data)
    local at = 3
    while data:byte(at) == 0xff do
      local marker, size = data:byte(at + 1), uint(data, at + 2, 2)
      if not size then
        return nil
      elseif marker >= 0xc0 and marker <= 0xcf and marker ~= 0xc4 and marker ~= 0xc8 and marker ~= 0xcc then
        return uint(data, at + 7, 2), uint(data, at + 5, 2)
      end
      at = at + 2 + size
    end
  end,
  webp = function(data)
    local form = data:sub(13, 16)
    if form == 'VP8X' then
      local width, height = uint(data, 25, 3, true), uint(data, 28, 3, true)
      return width and width + 1, height and height + 1
    elseif form == 'VP8L' then
      local bits = uint(data, 22, 4, true)
      return bits and bits % 0x4000 + 1, bits and math.floor(bits / 0x4000) % 0x4000 + 1
    elseif form == 'VP8 ' then
      local width, height = uint(data, 27, 2, true), uint(data, 29, 2, true)
      return width and width % 0x4000, height and height % 0x4000
    end
  end,
}

---@class ide_agent.panel.Image
---@field format string
---@field bytes integer
---@field width? integer
---@field height? integer

--- What a `data:` address holds.
---@param source string
---@return ide_agent.panel.Image?
function M.read(source)
  local format, from = source:match('^data:image/(%a+);base64,()')
  if not READ[format] then
    return nil
  end
  local padding = #source:match('=*$')
  local image = { format = format, bytes = math.floor((#source - from + 1) / 4) * 3 - padding }
  local head = source:sub(from, from + HEAD / 3 * 4 - 1)
  local fine, data = pcall(vim.base64.decode, head)
  if fine then
    image.width, image.height = READ[format](data)
  end
  return image
end

return M
