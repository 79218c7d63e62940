"""medulla-congestion-v0."""

from __future__ import annotations

import signal
import warnings

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

import medulla.envs  # noqa: E402
from medulla import Network  # noqa: E402


@pytest.fixture
def make(medulla_program, monkeypatch):
    monkeypatch.setenv("MEDULLA", medulla_program)
    made = []

    def make(**options):
        made.append(gymnasium.make("medulla-congestion-v0", **options))
        return made[-1]

    yield make
    for env in made:
        env.close()


def episode(env, seed: int, action: float = 0.1) -> list:
    observation, info = env.reset(seed=seed)
    trace = [observation.tolist(), info]
    truncated = False
    while not truncated:
        observation, reward, terminated, truncated, info = env.step(np.array([action], np.float32))
        assert not terminated
        trace += [observation.tolist(), reward, info]
    return trace


def test_gymnasiums_own_checks_pass_without_a_warning(make) -> None:
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(steps=20).unwrapped)


def test_an_episode_follows_from_its_seed(make) -> None:
    first, second = make(steps=30, loss=(0.001, 0.01), flows=(1, 3), changes=2), make(
        steps=30, loss=(0.001, 0.01), flows=(1, 3), changes=2
    )
    assert episode(first, 5) == episode(second, 5) == episode(first, 5)
    assert episode(first, 6) != episode(first, 5)


def test_an_episode_has_its_steps_and_stays_in_its_bounds(make) -> None:
    env = make(steps=25, bandwidth=20, rtt=30, buffer=1, disturbance=1)
    observation, _ = env.reset(seed=1)
    for index in range(25):
        assert env.observation_space.contains(observation)
        observation, reward, _, truncated, info = env.step(env.action_space.sample())
        assert truncated == (index == 24) and reward <= 0
        assert info["capacity"] == pytest.approx(20e6) and info["rtt"] >= 0.030 and 0 <= info["loss"] <= 1
    with pytest.raises(ValueError, match="Reset first"):
        env.step(np.zeros(1, np.float32))
    assert env.reset()[0].shape == (30,)


def test_pushing_fills_the_queue_and_holding_back_leaves_the_link_idle(make) -> None:
    env = make(steps=60, bandwidth=20, rtt=30, buffer=2, disturbance=1)
    pushed, held = episode(env, 3, 1.0)[-1], episode(env, 3, -1.0)[-1]
    assert pushed["queue"] > 5 * max(held["queue"], 0.01) and pushed["use"] > 2 * held["use"]


def test_options_are_checked_by_name(make) -> None:
    env = make(bandwith=20)
    with pytest.raises(ValueError, match="no option `bandwith`"):
        env.reset()
    for wrong in [{"rtt": (30, 10)}, {"loss": 2}, {"steps": 0}, {"flows": (1, 99)}]:
        with pytest.raises(ValueError, match=next(iter(wrong))):
            make(**wrong).reset()


def test_options_of_a_reset_hold_from_then_on(make) -> None:
    env = make(bandwidth=20)
    assert env.reset(seed=1, options={"bandwidth": 50})[1]["capacity"] == pytest.approx(50e6)
    assert env.reset()[1]["capacity"] == pytest.approx(50e6)


def test_options_that_were_refused_leave_the_old_ones(make) -> None:
    env = make(bandwidth=20)
    env.reset(seed=1)
    for wrong in [{"bandwidth": -1}, {"bandwith": 50}, {"bandwidth": 50, "rtt": (30, 10)}]:
        with pytest.raises(ValueError):
            env.reset(options=wrong)
        assert env.reset(seed=1)[1]["capacity"] == pytest.approx(20e6)


@pytest.mark.parametrize("action", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_no_number_is_the_callers_error(make, action: float) -> None:
    env = make(steps=5).unwrapped
    env.reset(seed=1)
    with pytest.raises(ValueError, match="finite"):
        env.step(np.array([action], np.float32))
    with pytest.raises(ValueError, match="one finite number"):
        env.step(np.zeros(2, np.float32))
    assert env.step(np.zeros(1, np.float32))[1] <= 0  # The episode goes on.


def test_closing_never_fails_and_leaves_no_process(make, monkeypatch) -> None:
    env = make().unwrapped
    env.reset(seed=1)
    process = env._process

    class Broken:
        def __init__(self, pipe) -> None:
            self.pipe = pipe

        def close(self) -> None:
            self.pipe.close()
            raise OSError("the pipe is broken")

    monkeypatch.setattr(process, "stdin", Broken(process.stdin))
    env.close()
    assert process.poll() is not None
    env.close()


def test_a_simulator_that_hangs_is_ended_when_the_wait_is_interrupted(make, monkeypatch) -> None:
    env = make().unwrapped
    process = env._process
    wait = process.wait

    def interrupted(timeout=None) -> int:
        if timeout is not None:
            raise KeyboardInterrupt
        return wait()

    process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(process, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        env.close()
    assert process.poll() is not None


def test_environments_run_side_by_side(make, medulla_program) -> None:
    from gymnasium.vector import AsyncVectorEnv

    envs = AsyncVectorEnv([lambda: gymnasium.make("medulla-congestion-v0", steps=10) for _ in range(3)])
    try:
        observations, _ = envs.reset(seed=1)
        assert observations.shape == (3, 30)
        rewards = np.stack([envs.step(np.zeros((3, 1), np.float32))[1] for _ in range(15)])
        assert np.isfinite(rewards).all() and len(set(rewards[5])) == 3
    finally:
        envs.close()


def test_a_missing_program_is_named(monkeypatch) -> None:
    monkeypatch.setenv("MEDULLA", "/nowhere/medulla")
    with pytest.raises(FileNotFoundError, match="/nowhere/medulla"):
        gymnasium.make("medulla-congestion-v0")


def test_a_simulator_that_ends_is_an_error_and_closes(make) -> None:
    env = make()
    env.reset(seed=1)
    env.unwrapped._process.kill()
    with pytest.raises(RuntimeError, match="simulator has"):
        for _ in range(3):
            env.step(np.zeros(1, np.float32))


def test_export_is_the_policy_in_the_kernels_units() -> None:
    policy = Network.random([30, 8, 1], seed=2)
    observation = np.random.default_rng(3).uniform(0.5, 2, (5, 30)).astype(np.float32)
    wanted = medulla.envs.ACTION_SCALE * policy((observation - medulla.envs.CENTER) * medulla.envs.SCALE)
    np.testing.assert_allclose(medulla.envs.export(policy)(observation), wanted, rtol=1e-3, atol=1e-3)
