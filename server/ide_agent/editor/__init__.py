"""The front door: the `ide-agent lsp` process. Documents, positions, settings, the way to the host."""
