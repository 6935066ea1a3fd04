from __future__ import annotations

from lsprotocol import types

from ide_agent.editor.client import ClientAbilities


def test_nothing_is_taken_for_granted() -> None:
    assert ClientAbilities.of(types.ClientCapabilities()) == ClientAbilities()
    for experimental in (
        7,
        [],
        {"ideAgent": 7},
        {"ideAgent": {"status": "yes"}},
        {"other": {"status": True}},
    ):
        declared = types.ClientCapabilities(experimental=experimental)
        assert ClientAbilities.of(declared) == ClientAbilities()


def test_what_is_declared_is_known() -> None:
    dynamic = types.DidChangeConfigurationClientCapabilities(dynamic_registration=True)
    watched = types.DidChangeWatchedFilesClientCapabilities(True, True)
    declared = types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(
            configuration=True,
            did_change_configuration=dynamic,
            did_change_watched_files=watched,
        ),
        window=types.WindowClientCapabilities(
            work_done_progress=True, show_document=types.ShowDocumentClientCapabilities(support=True)
        ),
        experimental={"ideAgent": {"inlineCompletionMore": True, "status": True, "panels": True}},
    )
    abilities = ClientAbilities.of(declared)
    assert all(getattr(abilities, field) for field in ClientAbilities.__annotations__)
