import pytest

from ide_agent.config import RemoteEndpoint
from ide_agent.features.routing.outcome import sentence
from ide_agent.inference.routing.conditions import Said
from ide_agent.inference.routing.router import Decision
from ide_agent.safety.network import NetworkPolicy

ENDPOINTS = {
    "far": RemoteEndpoint(url="https://far.example/v1", completion="fim"),
    "open": RemoteEndpoint(url="http://10.0.0.9/v1"),
    "near": RemoteEndpoint(url="http://127.0.0.1:9/v1"),
    "mute": RemoteEndpoint(url="https://mute.example/v1", completion="off"),
}
ON, OFF = NetworkPolicy(remote=True), NetworkPolicy()
DECISION = Decision("far/m", ("mute/m", "starter", ""), because=(Said("routes.because.no_rules"),))


def test_how_ghost_text_would_be_asked_for() -> None:
    plain = DECISION.sentence("en")
    assert sentence(DECISION, "completion", ENDPOINTS, None, ON, "en") == (
        f"{plain} Ghost text from far/m is asked for at each pause in typing"
        " (remote.endpoints.far.completion = fim)."
        " For ghost text mute/m is passed over: remote.endpoints.mute.completion is off."
    )
    assert "far/m" in sentence(DECISION, "completion", ENDPOINTS, None, ON, "tr")


@pytest.mark.parametrize("task", ["chat", "review"])
def test_of_other_tasks_nothing_more_is_said(task: str) -> None:
    assert sentence(DECISION, task, ENDPOINTS, None, ON, "en") == DECISION.sentence("en")


def test_models_of_this_machine_and_refusals_need_no_words() -> None:
    here = Decision("starter", because=(Said("routes.because.no_rules"),))
    refused = Decision("far/m", because=(Said("routes.because.no_rules"),), refused=True)
    for decision in (here, refused):
        assert sentence(decision, "completion", ENDPOINTS, None, ON, "en") == decision.sentence("en")


@pytest.mark.parametrize(
    ("model", "fallbacks", "network", "words"),
    [
        ("far/m", (), OFF, ["far/m is on another machine", "panel “Remote models”", "would be refused"]),
        ("far/m", ("starter",), OFF, ["far/m is on another machine", "So starter would answer"]),
        ("far/m", ("far/n", ""), OFF, ["far/m is on", "far/n is on", "So the default model would answer"]),
        ("far/m", ("near/m", "gone"), OFF, ["far/m is on another machine", "So near/m would answer"]),
        ("open/m", ("gone",), ON, ["open/m is not encrypted", "gone is not here", "would be refused"]),
        ("gone", ("far/m",), ON, ["gone is not here. Get it", "So far/m would answer"]),
        ("nobody/m", (), ON, ["nobody/m is not here", "no endpoint “nobody”", "would be refused"]),
        ("starter/other", (), ON, ["starter/other is not here. Get it", "would be refused"]),
        ("m:none", ("starter",), ON, ["m:none is not here", "So starter would answer"]),
        ("starter", ("far/m",), OFF, []),
        ("near/m", (), OFF, []),
        ("far/m", ("gone",), ON, []),
    ],
)
def test_it_says_what_would_really_happen(
    model: str, fallbacks: tuple[str, ...], network: NetworkPolicy, words: list[str]
) -> None:
    decision = Decision(model, fallbacks, because=(Said("routes.because.no_rules"),))
    said = sentence(decision, "chat", ENDPOINTS, {"starter", "m"}, network, "en")
    rest = said.removeprefix(decision.sentence("en"))
    assert bool(rest) == bool(words)
    assert all(each in rest for each in words)
    assert "routes." not in sentence(decision, "chat", ENDPOINTS, {"starter", "m"}, network, "tr").replace(
        "routes.yaml", ""
    )


@pytest.mark.parametrize(
    ("model", "fallbacks", "words"),
    [
        ("gone", (), "So the default model would answer."),
        ("gone", ("far/m",), "So the default model would answer."),  # remote is off
        ("far/m", (), "So this would be refused."),
        ("gone", ("starter",), "So starter would answer."),
        ("mute/m", ("gone",), "So the default model would answer."),
        ("mute/m", ("far/m", "gone"), "So this would be refused."),
        ("m:none", (), "So this would be refused."),
        ("mute/m", ("m:none",), "So the default model would answer."),
    ],
)
def test_ghost_text_goes_on_where_a_model_is_not_here(
    model: str, fallbacks: tuple[str, ...], words: str
) -> None:
    adapter = model.partition(":")[2]
    decision = Decision(model, fallbacks, adapter, because=(Said("routes.because.no_rules"),))
    assert sentence(decision, "completion", ENDPOINTS, {"starter", "m"}, OFF, "en").endswith(words)


def test_an_adapter_cannot_be_pulled() -> None:
    decision = Decision("m:none", adapter="none", because=(Said("routes.because.no_rules"),))
    said = sentence(decision, "chat", ENDPOINTS, {"m"}, ON, "en")
    assert "no such adapter" in said and "pull" not in said


def test_of_ghost_text_only_what_would_happen_is_said() -> None:
    words = sentence(DECISION, "completion", ENDPOINTS, None, OFF, "en")
    assert "at each pause" not in words
    assert words.endswith("So starter would answer.")
    alone = Decision("mute/m", because=(Said("routes.because.no_rules"),))
    assert sentence(alone, "completion", ENDPOINTS, None, OFF, "en").endswith(
        "So the default model would answer."
    )
