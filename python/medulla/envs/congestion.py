"""``medulla-congestion-v0``: one flow's congestion control, packet by packet, in Medulla's simulator."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import Any

import gymnasium
import numpy as np

from medulla.frames import Frame, FrameError, read_frame
from medulla.layers import Network

#: The network's output for an action of 1: the rate grows by so many of the controller's steps.
ACTION_SCALE = 5.0
#: ``(observation - CENTER) * SCALE`` is what a policy learns well from; :func:`export` folds it in.
CENTER = np.tile(np.array([0, 1, 1], dtype=np.float32), 10)
SCALE = np.tile(np.array([4, 5, 4], dtype=np.float32), 10)

PROTOCOL = 1


def export(policy: Network) -> Network:
    """A policy of normalized observations and actions in -1...1 as the network that the kernel runs."""
    return policy.with_inputs_normalized(CENTER, SCALE).with_outputs_scaled(ACTION_SCALE)


class CongestionEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """One flow over one bottleneck; a step is one decision at the end of a monitor interval.

    Observation: 30 float32, the last 10 intervals, oldest first, of latency inflation, latency ratio and send
    ratio. Action: one number in -1...1, ``ACTION_SCALE`` of which are the network's output. Reward: minus what
    is left idle, queued, lost by the buffer, and the roughness of the actions (never above 0). Episodes do not
    terminate; they are truncated after ``steps`` decisions.

    ``info``: ``time`` (s), ``throughput`` and ``capacity`` (bit/s of packets), ``rtt`` (s), ``loss``, ``use``
    (share of the capacity that all flows used), ``queue`` (in empty round trips), since the last step.

    Options, each a number or ``(low, high)``, given to ``gymnasium.make`` or as ``reset(options=...)`` for the
    episodes from then on: ``bandwidth`` (Mbit/s), ``rtt`` (ms), ``buffer`` (bandwidth-delay products), ``loss``,
    ``flows``, ``cross`` (share of unresponsive traffic), ``changes`` (of capacity), ``disturbance`` (factor on
    the first rate), and ``steps``.

    The simulator is the ``medulla`` program: ``binary``, else ``$MEDULLA``, else the one on PATH.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, binary: str | None = None, render_mode: str | None = None, **options: Any) -> None:
        if render_mode is not None:
            raise ValueError("the environment draws nothing")
        self.render_mode = None
        self._options = {name: _plain(value) for name, value in options.items()}
        self._process = _start(binary)
        try:
            greeting = self._ask({"request": "hello", "protocol": PROTOCOL})
            if greeting.fields.get("protocol") != PROTOCOL:
                raise RuntimeError(f"the simulator speaks protocol {greeting.fields.get('protocol')}, not {PROTOCOL}")
        except BaseException:
            self.close()
            raise
        low, high = greeting.tensors["low"].copy(), greeting.tensors["high"].copy()
        self.observation_space = gymnasium.spaces.Box(low, high, dtype=np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, shape=(1,), dtype=np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        wanted = self._options | {name: _plain(value) for name, value in (options or {}).items()}
        episode = int(self.np_random.integers(1 << 53))
        answer = self._ask({"request": "reset", "seed": episode, "options": wanted})
        self._options = wanted  # Only what the simulator took holds from here on.
        return answer.tensors["observation"].copy(), _figures(answer)

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        values = np.asarray(action, dtype=np.float64).reshape(-1)
        if values.size != 1 or not np.isfinite(values).all():
            raise ValueError(f"an action is one finite number, not {action!r}")
        answer = self._ask({"request": "step", "action": float(np.clip(values[0], -1, 1)) * ACTION_SCALE})
        fields = answer.fields
        observation = answer.tensors["observation"].copy()
        return observation, float(fields["reward"]), False, bool(fields["truncated"]), _figures(answer)

    def close(self) -> None:
        process = self.__dict__.pop("_process", None)
        if process is None:
            return
        try:
            # The end of its input ends it; closing may fail where it has ended with a request unread.
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
        finally:
            if process.poll() is None:  # It does not go, or the wait was broken off: it is ended.
                process.kill()
                process.wait()

    def __del__(self) -> None:
        try:
            self.close()
        except OSError:
            pass

    def _ask(self, fields: dict[str, Any]) -> Frame:
        process = self.__dict__.get("_process")
        if process is None:
            raise RuntimeError("the environment is closed")
        try:
            process.stdin.write(Frame(fields).encode())
            process.stdin.flush()
            answer = read_frame(process.stdout.read)
        except (OSError, FrameError) as error:
            raise RuntimeError(f"the simulator has failed: {error}") from error
        if answer is None:
            raise RuntimeError("the simulator has ended")
        if answer.fields.get("answer") != "ok":
            remedy = answer.fields.get("remedy")
            raise ValueError(f"{answer.fields.get('message')}" + (f" ({remedy})" if remedy else ""))
        return answer


def _figures(answer: Frame) -> dict[str, Any]:
    return {name: float(value) for name, value in answer.fields["info"].items()}


def _plain(value: Any) -> Any:
    """An option as JSON has it."""
    return [float(part) for part in value] if isinstance(value, (tuple, list, np.ndarray)) else float(value)


def _start(binary: str | None) -> subprocess.Popen[bytes]:
    program = binary or os.environ.get("MEDULLA") or "medulla"
    if shutil.which(program) is None:
        raise FileNotFoundError(f"there is no program {program!r}: build it (`make build`) and set MEDULLA to its path")
    return subprocess.Popen(
        [program, "simulator", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
