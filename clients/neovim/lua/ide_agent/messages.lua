--- What people read, in English and Turkish.
local M = {}

M.catalogue = {
  en = {
    bad_option = 'option not understood: {option}',
    bad_command = 'unknown subcommand “{name}”. One of: {names}',
    no_server = '“{program}” is not on your PATH. See :help ide-agent-start',
    not_running = 'no server is running in this buffer. See :checkhealth ide_agent',
    on = 'suggestions are on',
    off = 'suggestions are off',
    on_here = 'suggestions are on in this buffer',
    off_here = 'suggestions are off in this buffer',
    restarted = 'restarted',
    host_restarted = 'the host was restarted',
    no_models = 'there is no model yet. Get one: :IdeAgent pull',
    pulling = 'fetching {name} …',
    pulled = '{name} is here ({size} MB)',
    building = 'building llama-cpp-python for this machine …',
    built = '{engine}: {after} tokens/s, {before} before',
    failed = 'that did not work: {reason}',
    starting = 'starting',
    ready = 'ready',
    loading = 'loading',
    working = 'working',
    downloading = 'downloading',
    noModel = 'no model',
    state_off = 'off',
    error = 'error',
    label_state = 'state',
    label_here = 'this buffer',
    label_host = 'host',
    label_engine = 'engine',
    no_engine = 'no engine is loaded',
  },
  tr = {
    bad_option = 'seçenek anlaşılamadı: {option}',
    bad_command = '“{name}” diye bir alt komut yok. Olanlar: {names}',
    no_server = '“{program}” PATH üzerinde bulunamadı. Bakınız: :help ide-agent-start',
    not_running = 'bu tamponda çalışan bir sunucu yok. Bakınız: :checkhealth ide_agent',
    on = 'öneriler açık',
    off = 'öneriler kapalı',
    on_here = 'öneriler bu tamponda açık',
    off_here = 'öneriler bu tamponda kapalı',
    restarted = 'yeniden başlatıldı',
    host_restarted = 'ana süreç yeniden başlatıldı',
    no_models = 'henüz bir model yok. İndirmek için: :IdeAgent pull',
    pulling = '{name} indiriliyor …',
    pulled = '{name} hazır ({size} MB)',
    building = 'llama-cpp-python bu makine için derleniyor …',
    built = '{engine}: saniyede {after} token, önceden {before}',
    failed = 'olmadı: {reason}',
    starting = 'başlıyor',
    ready = 'hazır',
    loading = 'yükleniyor',
    working = 'çalışıyor',
    downloading = 'indiriliyor',
    noModel = 'model yok',
    state_off = 'kapalı',
    error = 'hata',
    label_state = 'durum',
    label_here = 'bu tampon',
    label_host = 'ana süreç',
    label_engine = 'motor',
    no_engine = 'yüklü motor yok',
  },
}

---@return 'en'|'tr'
function M.language()
  local chosen = require('ide_agent.config').get().language
  if chosen == 'auto' then
    return vim.startswith(vim.v.lang, 'tr') and 'tr' or 'en'
  end
  return chosen --[[@as 'en'|'tr']]
end

---@param key string
---@param values? table<string, any>
---@return string
function M.get(key, values)
  local message = M.catalogue[M.language()][key]
  return (message:gsub('{(%w+)}', function(name)
    return tostring(values and values[name] or '?')
  end))
end

--- Tell the user, though not while they type.
---@param key string
---@param values? table<string, any>
---@param level? vim.log.levels
function M.say(key, values, level)
  require('ide_agent.client').when_idle(function()
    vim.notify('IDE-Agent: ' .. M.get(key, values), level or vim.log.levels.INFO, { title = 'IDE-Agent' })
  end)
end

local said = {}

---@param key string
---@param values? table<string, any>
---@param level? vim.log.levels
function M.say_once(key, values, level)
  if not said[key] then
    said[key] = true
    M.say(key, values, level)
  end
end

return M
