import pytest

from ide_agent.features.completion.dialects.chat import Chat
from ide_agent.features.completion.dialects.fim import Fim, Prefix
from ide_agent.features.completion.dialects.suffix import Suffix
from ide_agent.features.completion.dialects.ways import Asked, named, ways

FAR = "https://api.example/v1"
OLLAMA = "http://127.0.0.1:11434/v1"


@pytest.mark.parametrize(
    ("id", "url", "way"),
    [
        ("Qwen/Qwen2.5-Coder-7B", FAR, "fim"),
        ("codestral-latest", FAR, "fim"),
        ("bigcode/starcoder2-3b", FAR, "fim"),
        ("deepseek-ai/deepseek-coder-6.7b-base", FAR, "fim"),
        ("Qwen/Qwen2.5-Coder-7B-Instruct", FAR, "chat"),
        ("google/codegemma-7b-it", FAR, "chat"),
        ("openai/gpt-4o-mini", FAR, "chat"),
        ("starter", "", "chat"),
        ("qwen2.5-coder-1.5b", "", "fim"),
        ("qwen2.5-coder:7b", OLLAMA, "suffix"),
        ("llama3.2:3b", OLLAMA, "chat"),
    ],
)
def test_without_a_setting_the_name_decides(id: str, url: str, way: str) -> None:
    assert named(Asked(id, url)) == way


def test_a_setting_goes_before_the_name() -> None:
    assert [type(way) for way in ways(Asked("Qwen2.5-Coder-Instruct", FAR, "fim"))] == [Fim]
    assert [type(way) for way in ways(Asked("starter", FAR, "fim"))] == [Prefix]
    assert [type(way) for way in ways(Asked("x", FAR, "suffix"))] == [Suffix]
    assert [type(way) for way in ways(Asked("starcoder", FAR, "chat"))] == [Chat]


def test_who_refuses_a_text_is_asked_in_a_chat() -> None:
    assert [type(way) for way in ways(Asked("starcoder", FAR))] == [Fim, Chat]
    assert [type(way) for way in ways(Asked("qwen2.5-coder:7b", OLLAMA))] == [Suffix, Chat]
    assert [type(way) for way in ways(Asked("gpt", FAR))] == [Chat]
