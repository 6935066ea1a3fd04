import pytest

from ide_agent.config import RemoteEndpoint
from ide_agent.features.routing.ghost_text import sentence
from ide_agent.inference.routing.conditions import Said
from ide_agent.inference.routing.router import Decision

ENDPOINTS = {
    "far": RemoteEndpoint(url="https://far.example/v1", completion="fim"),
    "mute": RemoteEndpoint(url="https://mute.example/v1", completion="off"),
}
DECISION = Decision("far/m", ("mute/m", "starter", ""), because=(Said("routes.because.no_rules"),))


def test_how_ghost_text_would_be_asked_for() -> None:
    plain = DECISION.sentence("en")
    assert sentence(DECISION, "completion", ENDPOINTS, None, "en") == (
        f"{plain} Ghost text from far/m is asked for at each pause in typing"
        " (remote.endpoints.far.completion = fim)."
        " For ghost text mute/m is passed over: remote.endpoints.mute.completion is off."
    )
    assert "far/m" in sentence(DECISION, "completion", ENDPOINTS, None, "tr")


@pytest.mark.parametrize("task", ["chat", "review"])
def test_of_other_tasks_nothing_more_is_said(task: str) -> None:
    assert sentence(DECISION, task, ENDPOINTS, None, "en") == DECISION.sentence("en")


def test_models_of_this_machine_and_refusals_need_no_words() -> None:
    here = Decision("starter", because=(Said("routes.because.no_rules"),))
    refused = Decision("far/m", because=(Said("routes.because.no_rules"),), refused=True)
    for decision in (here, refused):
        assert sentence(decision, "completion", ENDPOINTS, None, "en") == decision.sentence("en")
