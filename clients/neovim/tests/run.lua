-- Runs the *_test.lua files beside this one: nvim --headless --clean -l clients/neovim/tests/run.lua
-- A test file returns a table of functions; a test fails by raising an error.

local here = vim.fs.dirname(vim.fs.abspath(debug.getinfo(1, 'S').source:sub(2)))
vim.opt.runtimepath:prepend(vim.fs.dirname(here))

local passed, failures = 0, {}
for name in vim.fs.dir(here) do
  if vim.endswith(name, '_test.lua') then
    local tests = dofile(vim.fs.joinpath(here, name))
    for title, test in vim.spairs(tests) do
      vim.cmd('silent! %bwipeout!')
      local fine, failure = xpcall(test, debug.traceback)
      if fine then
        passed = passed + 1
      else
        table.insert(failures, ('%s: %s\n%s'):format(name, title, failure))
      end
    end
  end
end

io.stdout:write(table.concat(failures, '\n\n'), #failures > 0 and '\n\n' or '')
io.stdout:write(('%d passed, %d failed\n'):format(passed, #failures))
os.exit(#failures == 0 and passed > 0 and 0 or 1)
