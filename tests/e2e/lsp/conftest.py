"""The real thing: `ide-agent lsp` over stdio, its host, an engine, the starter model."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

from ide_agent.paths import models_dir
from support.ghost import GhostClient, make_client
from support.host_process import clean_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home, and so one host and one engine, for all tests here."""
    home = tmp_path_factory.mktemp("home")
    (home / "config").mkdir()
    # The engine that is always there: the tests know what the model says on it.
    (home / "config" / "config.toml").write_text(
        '[completion]\nprompt_tokens = 256\n\n[inference]\nengine = "xllamacpp"\nthreads = 1\n'
    )
    with clean_home(home):
        yield home


@pytest.fixture(scope="module", autouse=True)
def environment(home: Path) -> Iterator[None]:
    """What the lsp process inherits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDE_AGENT_MODELS", str(models_dir()))
        patch.setenv("IDE_AGENT_HOME", str(home))
        yield


@pytest_lsp.fixture(
    config=ClientServerConfig([sys.executable, "-m", "ide_agent", "lsp"], client_factory=make_client)
)
async def client(lsp_client: LanguageClient, tmp_path: Path) -> AsyncIterator[None]:
    """A client that shows suggestions that grow."""
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(experimental={"ideAgent": {"inlineCompletionMore": True}}),
            workspace_folders=[types.WorkspaceFolder(tmp_path.as_uri(), "workspace")],
        )
    )
    yield
    await lsp_client.shutdown_session()


@pytest.fixture
def ghost(client: LanguageClient, tmp_path: Path) -> GhostClient:
    """The client with the verbs of an editor."""
    return GhostClient(client, tmp_path)
