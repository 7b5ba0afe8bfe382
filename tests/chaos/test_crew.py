"""The rig runs the programs an installation runs."""

from bench.chaos.crew import product


def test_every_program_under_test_has_its_command() -> None:
    commands = product(8000)
    assert set(commands) == {"web", "publisher", "worker", "sequencer", "beat"}
    assert all(commands.values())
