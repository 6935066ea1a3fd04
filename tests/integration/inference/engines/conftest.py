"""Both engines, one after the other, on the real starter model."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from ide_agent.config import InferenceSettings
from ide_agent.inference import supervisor
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.inference.service import Inference
from support.models import starter_model
from support.real_engine import NATIVE


@pytest.fixture(scope="module")
def model() -> ModelFile:
    return starter_model()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["xllamacpp", NATIVE])
async def inference(
    request: pytest.FixtureRequest, model: ModelFile, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Inference, None]:
    # one thread: more of them, beside the tests that run meanwhile, wait for each other
    settings = InferenceSettings(engine=request.param, context_tokens=4096, threads=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDE_AGENT_HOME", str(tmp_path_factory.mktemp("home")))
        room = Inference(settings, ModelStore(model.file.parent.parent), lambda status: None)
        await room.engine("starter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "_DYING_SECONDS", 60.0)  # a death may be noticed late on a busy machine
        yield room
    await room.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(inference: Inference) -> Engine:
    return await inference.engine("starter")
