import signal

import pytest
import uvicorn
from sqlalchemy import text

from ide_agent.host.lifecycle import HostServer
from ide_agent.host.services import Services
from ide_agent.runtime import RuntimeInfo
from support.fake_inference import FakeInference


async def test_callbacks_run_in_order_and_failures_are_passed_over(services: Services) -> None:
    told: list[str] = []

    def note(word: str) -> None:
        async def callback() -> None:
            told.append(word)
            # Both still work while callbacks run.
            assert not FakeInference.current.closed
            assert await services.database.run(lambda s: s.execute(text("SELECT 1")).scalar()) == 1

        (services.on_start if word.startswith("start") else services.on_stop)(callback)

    async def broken() -> None:
        raise KeyError

    note("start 1")
    services.on_start(broken)
    note("start 2")
    note("stop 1")
    services.on_stop(broken)
    note("stop 2")
    async with services.app.router.lifespan_context(services.app):
        assert told == ["start 1", "start 2"]
    assert told == ["start 1", "start 2", "stop 2", "stop 1"]
    assert FakeInference.current.closed
    with pytest.raises(RuntimeError):
        await services.database.run(lambda s: None)


async def test_database_that_was_moved_aside_is_a_problem(services: Services) -> None:
    services.database.path.parent.mkdir(parents=True)
    services.database.path.write_bytes(b"x" * 5000)
    async with services.app.router.lifespan_context(services.app):
        await services.database.run(lambda s: None)
        assert [problem.key_used for problem in services.problems] == ["error.storage.corrupt"]


def test_a_signal_is_known_before_editors_leave(services: Services) -> None:
    server = HostServer(uvicorn.Config(services.app), services, RuntimeInfo.new(1))
    assert not services.departing
    server.handle_exit(signal.SIGTERM, None)
    assert services.departing and server.should_exit
