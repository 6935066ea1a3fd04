--- What people read, in English and Turkish.
local M = {}

M.catalogue = {
  en = {
    bad_option = 'option not understood: {option}',
    bad_command = 'unknown subcommand “{name}”. One of: {names}',
    bad_argument = '“{argument}” does not belong there. Usage: :IdeAgent {usage}',
    no_server = '“{program}” is not on your PATH. See :help ide-agent-start',
    not_running = 'no server is running in this buffer. See :checkhealth ide_agent',
    on = 'suggestions are on',
    off = 'suggestions are off',
    on_only = 'suggestions are on, but not in this buffer. See :IdeAgent enable buffer',
    on_here = 'suggestions are on in this buffer',
    on_here_unless = 'suggestions are on in this buffer, unless its file is private or switched off in the settings',
    on_here_only = 'suggestions are on in this buffer, but off everywhere. See :IdeAgent enable',
    off_here = 'suggestions are off in this buffer',
    restart_ends = 'the restart ends: {work}',
    restarted = 'restarted',
    gave_up = 'the server keeps on ending and is no longer started. See :IdeAgent log; try again: :IdeAgent restart',
    host_restarted = 'the host was restarted',
    pulling = 'fetching {name} …',
    pulled = '{name} is here ({size} MB)',
    not_pulled = 'nothing was downloaded: {name} was declined',
    no_model_yet = 'there is no model yet. :IdeAgent models shows what can be had',
    no_log = 'nothing was written yet',
    building = 'building llama-cpp-python for this machine …',
    built = '{engine}: {after} tokens/s, {before} before',
    failed = 'that did not work: {reason}',
    starting = 'starting',
    ready = 'ready',
    waiting = 'waiting for memory',
    loading = 'loading',
    unloaded = 'not loaded',
    downloading = 'downloading',
    noModel = 'no model',
    noneLoaded = 'no model in memory',
    state_off = 'off',
    error = 'error',
    label_host = 'host',
    label_engine = 'engine',
    no_engine = 'no engine is loaded',
    panel_hint = '? keys ',
    panel_keys = 'Keys',
    panel_key_press = 'press what is under the cursor',
    panel_key_next = 'the next thing that can be pressed',
    panel_key_previous = 'the one before',
    panel_key_edit = 'fill in the field; elsewhere: to the next one',
    panel_key_whole = 'the whole row of a table',
    panel_key_help = 'these keys',
    panel_key_close = 'close the panel',
    panel_cancel = 'Cancel',
    panel_empty = 'nothing here',
    panel_image = 'Image: {alt}',
    panel_missing = '“{field}” is missing, or not what belongs there',
    panel_percent = '{percent} %',
    panel_unknown = '(this version cannot show “{kind}”)',
    panel_write = '<Esc>:wq takes it, <Esc>:q! does not',
    panel_suggests = '{label} (<Tab> lists): ',
    panel_shifted = 'what stands under the cursor has just changed; press again if you mean it',
    panel_letter = '[{letter}] is “{label}”, which is not on offer here now',
    panel_no_field = 'nothing to fill in here; ? names the keys',
    health_program = 'program',
    health_options = 'options',
    health_server = 'server',
    health_function = 'the server is started by a function of yours',
    health_not_executable = '`{program}` is not executable',
    health_install = 'Install the server: see :help ide-agent-start',
    health_name_it = 'or name it: `{code}`',
    health_found = 'server: {path}',
    health_no_builtin = 'renderer = "builtin" needs Neovim 0.12; the plugin draws by itself here',
    health_drawn_builtin = 'suggestions are drawn by Neovim',
    health_drawn_own = 'suggestions are drawn by the plugin',
    health_key = '{action}: {key}',
    health_own_key = '{action}: your own mapping to {key}',
    health_no_key = '{action} has no key',
    health_no_answer = 'no answer',
    health_not_running = 'no server is running',
    health_open_a_file = 'Open a file; if nothing happens, see :IdeAgent log',
    health_running = 'the server runs, {buffers} buffer(s), positions in {encoding}',
    health_no_host = 'the host does not answer: {reason}',
    health_look_deeper = 'See :IdeAgent log and `ide-agent doctor`',
    health_host = 'host {version}, pid {pid}',
    health_models_failed = 'models: {reason}',
    health_no_model = 'there is no model yet',
    health_pull = 'Get the starter model: `:IdeAgent pull`',
    health_model = 'model {name}',
    health_model_loaded = 'model {name} (loaded)',
  },
  tr = {
    bad_option = 'seçenek anlaşılamadı: {option}',
    bad_command = '“{name}” diye bir alt komut yok. Olanlar: {names}',
    bad_argument = '“{argument}” oraya ait değil. Kullanım: :IdeAgent {usage}',
    no_server = '“{program}” PATH üzerinde bulunamadı. Bakınız: :help ide-agent-start@tr',
    not_running = 'bu tamponda çalışan bir sunucu yok. Bakınız: :checkhealth ide_agent',
    on = 'öneriler açık',
    off = 'öneriler kapalı',
    on_only = 'öneriler açık, ama bu tamponda değil. Bakınız: :IdeAgent enable buffer',
    on_here = 'öneriler bu tamponda açık',
    on_here_unless = 'öneriler bu tamponda açık; dosyası gizliyse ya da ayarlarda kapatılmışsa değil',
    on_here_only = 'öneriler bu tamponda açık, ama her yerde kapalı. Bakınız: :IdeAgent enable',
    off_here = 'öneriler bu tamponda kapalı',
    restart_ends = 'yeniden başlatma şunu sonlandırıyor: {work}',
    restarted = 'yeniden başlatıldı',
    gave_up = 'sunucu durmadan kapanıyor, artık başlatılmıyor. Bakınız: :IdeAgent log; yeniden denemek için: :IdeAgent restart',
    host_restarted = 'ana süreç yeniden başlatıldı',
    pulling = '{name} indiriliyor …',
    pulled = '{name} hazır ({size} MB)',
    not_pulled = 'hiçbir şey indirilmedi: {name} istenmedi',
    no_model_yet = 'henüz model yok. Nelerin indirilebileceğini :IdeAgent models gösterir',
    no_log = 'henüz bir şey yazılmadı',
    building = 'llama-cpp-python bu makine için derleniyor …',
    built = '{engine}: saniyede {after} token, önceden {before}',
    failed = 'olmadı: {reason}',
    starting = 'başlıyor',
    ready = 'hazır',
    waiting = 'bellek bekliyor',
    loading = 'yükleniyor',
    unloaded = 'yüklü değil',
    downloading = 'indiriliyor',
    noModel = 'model yok',
    noneLoaded = 'bellekte model yok',
    state_off = 'kapalı',
    error = 'hata',
    label_host = 'ana süreç',
    label_engine = 'motor',
    no_engine = 'yüklü motor yok',
    panel_hint = '? tuşlar ',
    panel_keys = 'Tuşlar',
    panel_key_press = 'imlecin altındakine basar',
    panel_key_next = 'basılabilen bir sonraki şey',
    panel_key_previous = 'bir önceki',
    panel_key_edit = 'alanı doldurur; başka yerde: sonraki alana gider',
    panel_key_whole = 'tablo satırının tamamı',
    panel_key_help = 'bu tuşlar',
    panel_key_close = 'paneli kapatır',
    panel_cancel = 'Vazgeç',
    panel_empty = 'burada bir şey yok',
    panel_image = 'Görüntü: {alt}',
    panel_missing = '“{field}” eksik ya da oraya uygun değil',
    panel_percent = '%{percent}',
    panel_unknown = '(bu sürüm “{kind}” türünü gösteremez)',
    panel_write = '<Esc>:wq alır, <Esc>:q! almaz',
    panel_suggests = '{label} (<Tab> listeler): ',
    panel_shifted = 'imlecin altındaki az önce değişti; bunu istiyorsanız yeniden basın',
    panel_letter = '[{letter}] “{label}” içindir; o şu anda burada yok',
    panel_no_field = 'burada doldurulacak bir şey yok; ? tuşları gösterir',
    health_program = 'sunucunun programı',
    health_options = 'seçenekler',
    health_server = 'sunucu',
    health_function = 'sunucuyu sizin bir fonksiyonunuz başlatıyor',
    health_not_executable = '`{program}` çalıştırılabilir değil',
    health_install = 'Sunucuyu kurun: bakınız :help ide-agent-start@tr',
    health_name_it = 'ya da yerini söyleyin: `{code}`',
    health_found = 'sunucu: {path}',
    health_no_builtin = 'renderer = "builtin" için Neovim 0.12 gerekir; burada eklenti kendisi çizer',
    health_drawn_builtin = 'önerileri Neovim çiziyor',
    health_drawn_own = 'önerileri eklenti çiziyor',
    health_key = '{action}: {key}',
    health_own_key = '{action}: {key} için kendi eşlemeniz var',
    health_no_key = '{action}: tuşu yok',
    health_no_answer = 'yanıt yok',
    health_not_running = 'çalışan bir sunucu yok',
    health_open_a_file = 'Bir dosya açın; bir şey olmazsa bakınız: :IdeAgent log',
    health_running = 'sunucu çalışıyor, {buffers} tampon, konumlar {encoding} ile',
    health_no_host = 'ana süreç yanıt vermiyor: {reason}',
    health_look_deeper = 'Bakınız: :IdeAgent log ve `ide-agent doctor`',
    health_host = 'ana süreç {version}, pid {pid}',
    health_models_failed = 'modeller: {reason}',
    health_no_model = 'henüz bir model yok',
    health_pull = 'Başlangıç modelini indirin: `:IdeAgent pull`',
    health_model = 'model {name}',
    health_model_loaded = 'model {name} (yüklü)',
  },
}

--- The user's locale. Where the system has none of that name Neovim runs in C, whatever the user asked for.
---@return string
local function locale()
  if vim.v.lang ~= '' and not vim.startswith(vim.v.lang, 'C') and vim.v.lang ~= 'POSIX' then
    return vim.v.lang
  end
  for _, name in ipairs({ 'LC_ALL', 'LC_MESSAGES', 'LANG' }) do
    local value = vim.env[name]
    if value and value ~= '' then
      return value
    end
  end
  return ''
end

---@return 'en'|'tr'
function M.language()
  local chosen = require('ide_agent.config').get().language
  if chosen == 'auto' then
    return vim.startswith(locale(), 'tr') and 'tr' or 'en'
  end
  return chosen --[[@as 'en'|'tr']]
end

---@param key string
---@return boolean
function M.has(key)
  return M.catalogue.en[key] ~= nil
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

--- Whether vim.notify is Neovim's own, which prints: what is longer than the line waits for ENTER.
---@return boolean
local function prints()
  return debug.getinfo(vim.notify, 'S').source:find('vim/_', 1, true) ~= nil
end

local HIGHLIGHTS = { [vim.log.levels.WARN] = 'WarningMsg', [vim.log.levels.ERROR] = 'ErrorMsg' }

--- Show a message now. What does not fit into a line is cut; :messages has all of it.
---@param text string
---@param level vim.log.levels
function M.notify(text, level)
  local line = text:gsub('%s*\n%s*', ' ')
  if not prints() or (line == text and vim.fn.strdisplaywidth(text) <= vim.v.echospace) then
    vim.notify(text, level, { title = 'IDE-Agent' })
    return
  end
  local highlight = HIGHLIGHTS[level]
  local waits = vim.o.messagesopt
  vim.o.messagesopt = waits:gsub('hit%-enter', 'wait:0')
  vim.api.nvim_echo({ { text, highlight } }, true, {})
  vim.o.messagesopt = waits
  vim.cmd.redraw()
  local fitted = require('ide_agent.panel.text').fit(line, vim.v.echospace)
  vim.api.nvim_echo({ { fitted, highlight } }, false, {})
end

--- Tell the user, though not while they type.
---@param key string
---@param values? table<string, any>
---@param level? vim.log.levels
function M.say(key, values, level)
  require('ide_agent.client').when_idle(function()
    M.notify('IDE-Agent: ' .. M.get(key, values), level or vim.log.levels.INFO)
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
