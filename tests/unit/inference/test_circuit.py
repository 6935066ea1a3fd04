from ide_agent.inference.circuit import Circuit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_opens_after_crashes_in_a_row_and_lets_one_try_through_later() -> None:
    clock = Clock()
    circuit = Circuit(limit=3, open_seconds=30, clock=clock)
    for _ in range(2):
        circuit.crashed("boom")
    assert circuit.open_for() == 0
    circuit.crashed("bang")
    assert (circuit.open_for(), circuit.crashes, circuit.reason) == (30, 3, "bang")
    clock.now += 29
    assert circuit.open_for() == 1
    clock.now += 1
    assert circuit.open_for() == 0
    circuit.crashed("again")
    assert circuit.open_for() == 30


def test_an_answer_closes_it() -> None:
    circuit = Circuit(limit=1, clock=Clock())
    circuit.crashed("boom")
    assert circuit.open_for() > 0
    circuit.worked()
    assert (circuit.open_for(), circuit.delay()) == (0, 0)


def test_pauses_double_up_to_a_limit() -> None:
    clock = Clock()
    circuit = Circuit(limit=99, clock=clock)
    assert circuit.delay() == 0
    pauses = []
    for _ in range(7):
        circuit.crashed("boom")
        pauses.append(circuit.delay())
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    clock.now += 4
    assert circuit.delay() == 1
    clock.now += 9
    assert circuit.delay() == 0
