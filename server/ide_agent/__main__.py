"""Entry point. `lsp` takes a short cut past the CLI so that an editor never waits for it."""

import sys


def main() -> None:
    """Run `ide-agent`; `ide-agent lsp` imports nothing but the editor room."""
    if sys.argv[1:2] == ["lsp"]:
        from ide_agent.editor.main import main as lsp_main

        lsp_main(sys.argv[2:])
    else:
        from ide_agent.cli import app

        app()


if __name__ == "__main__":
    main()
