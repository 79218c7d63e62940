"""PPO in one file, in the style of CleanRL, on ``medulla-congestion-v0``: train, save, compile.

    python -m medulla.examples.ppo_torch --steps 200000 --out policy
    medulla compile policy.safetensors --calibration policy-calibration.npy -o policy.medulla

Needs PyTorch and Gymnasium, and the ``medulla`` program (on PATH, or its path in ``MEDULLA``).
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch

import medulla.envs
from medulla import Network
from medulla.examples.torch_regression import module_of, network_of

CENTER, SCALE = torch.tensor(medulla.envs.CENTER), torch.tensor(medulla.envs.SCALE)


@dataclass
class Options:
    """What PPO learns with; the defaults suit this environment."""

    envs: int = 8
    horizon: int = 128
    epochs: int = 6
    minibatch: int = 256
    rate: float = 1e-3
    discount: float = 0.95
    trace: float = 0.9
    clip: float = 0.2
    log_deviation: float = -1.0
    seed: int = 1


class PPO:
    """A Gaussian policy and its critic, which learn from a number of environments at once."""

    def __init__(self, policy: torch.nn.Sequential, options: Options, **paths: Any) -> None:
        torch.manual_seed(options.seed)
        torch.set_num_threads(1)
        self.options = options
        self.policy = policy
        self.log_deviation = torch.nn.Parameter(torch.tensor([options.log_deviation]))
        self.critic = torch.nn.Sequential(
            torch.nn.Linear(30, 64), torch.nn.Tanh(), torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1)
        )
        parameters = [*policy.parameters(), self.log_deviation, *self.critic.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=options.rate, eps=1e-5)
        self.envs = [gymnasium.make("medulla-congestion-v0", **paths) for _ in range(options.envs)]
        self.last = self._observe([env.reset(seed=options.seed + i)[0] for i, env in enumerate(self.envs)])
        self.generator = torch.Generator().manual_seed(options.seed)

    def close(self) -> None:
        for env in self.envs:
            env.close()

    @staticmethod
    def _observe(rows: Sequence[np.ndarray]) -> torch.Tensor:
        return (torch.from_numpy(np.stack(rows)) - CENTER) * SCALE

    def _distribution(self, observations: torch.Tensor) -> torch.distributions.Normal:
        return torch.distributions.Normal(self.policy(observations), self.log_deviation.exp())

    def change_paths(self, **paths: Any) -> None:
        """Other paths for the episodes from the next reset on; episodes that run end now."""
        self.last = self._observe([env.reset(options=paths)[0] for env in self.envs])

    def round(self) -> dict[str, float]:
        """One collection and one update; the mean reward of a step, before the update."""
        options = self.options
        size = (options.horizon, options.envs)
        observations = torch.zeros(*size, 30)
        actions, scores, rewards, values, ends = (torch.zeros(*size) for _ in range(5))
        bonus = torch.zeros(*size)  # The value of what a truncated episode would still have had.
        for time_step in range(options.horizon):
            with torch.no_grad():
                distribution = self._distribution(self.last)
                action = torch.normal(distribution.mean, distribution.stddev, generator=self.generator)
                scores[time_step] = distribution.log_prob(action)[:, 0]
                values[time_step] = self.critic(self.last)[:, 0]
            observations[time_step], actions[time_step] = self.last, action[:, 0]
            rows = []
            for index, env in enumerate(self.envs):
                row, reward, _, truncated, _ = env.step(action[index].numpy())
                rewards[time_step, index] = float(reward)
                if truncated:
                    with torch.no_grad():
                        bonus[time_step, index] = self.critic(self._observe([row]))[0, 0]
                    ends[time_step, index] = 1
                    row, _ = env.reset()
                rows.append(row)
            self.last = self._observe(rows)
        advantages = self._advantages(rewards + options.discount * bonus, values, ends)
        self._update(observations, actions, scores, advantages, advantages + values)
        return {"reward": float(rewards.mean()), "deviation": float(self.log_deviation.detach().exp())}

    def _advantages(self, rewards: torch.Tensor, values: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        """Generalized advantage estimation (Schulman et al., 2016)."""
        options = self.options
        with torch.no_grad():
            following = self.critic(self.last)[:, 0]
        advantages = torch.zeros_like(rewards)
        trace = torch.zeros(options.envs)
        for index in reversed(range(options.horizon)):
            going = 1 - ends[index]
            error = rewards[index] + options.discount * following * going - values[index]
            trace = error + options.discount * options.trace * going * trace
            advantages[index], following = trace, values[index]
        return advantages

    def _update(self, *arrays: torch.Tensor) -> None:
        observations, actions, scores, advantages, returns = (a.flatten(0, 1) for a in arrays)
        count = len(actions)
        for _ in range(self.options.epochs):
            for rows in torch.randperm(count, generator=self.generator).split(self.options.minibatch):
                score = self._distribution(observations[rows]).log_prob(actions[rows, None])[:, 0]
                ratio = (score - scores[rows]).exp()
                advantage = advantages[rows]
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                clipped = ratio.clamp(1 - self.options.clip, 1 + self.options.clip)
                loss = -torch.min(ratio * advantage, clipped * advantage).mean()
                loss = loss + 0.5 * (self.critic(observations[rows])[:, 0] - returns[rows]).square().mean()
                self.optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.policy.parameters(), 0.5)
                self.optimizer.step()

    def network(self, name: str = "policy") -> Network:
        """The policy from raw observations to the kernel's action."""
        return medulla.envs.export(network_of(copy.deepcopy(self.policy), name))


def evaluate(network: Network, episodes: int = 24, seed: int = 1_000_000, **paths: Any) -> dict[str, float]:
    """Mean figures of a step, without noise in the actions, on paths that training has not seen."""
    env = gymnasium.make("medulla-congestion-v0", **paths)
    rewards, use, queue = [], [], []
    for episode in range(episodes):
        observation, _ = env.reset(seed=seed + episode)
        truncated = False
        while not truncated:
            action = network(observation[None])[0] / medulla.envs.ACTION_SCALE
            observation, reward, _, truncated, info = env.step(np.clip(action, -1, 1))
            rewards.append(float(reward))
            use.append(min(info["use"], 1))
            queue.append(info["queue"])
    env.close()
    return {"reward": float(np.mean(rewards)), "use": float(np.mean(use)), "queue": float(np.mean(queue))}


def calibration(network: Network, rows: int = 2000, **paths: Any) -> np.ndarray:
    """Observations that the policy meets, for ``medulla compile --calibration``."""
    env = gymnasium.make("medulla-congestion-v0", **paths)
    observation, _ = env.reset(seed=7)
    seen: list[np.ndarray] = []
    while len(seen) < rows:
        seen.append(observation)
        action = network(observation[None])[0] / medulla.envs.ACTION_SCALE
        observation, _, _, truncated, _ = env.step(np.clip(action, -1, 1))
        if truncated:
            observation, _ = env.reset()
    env.close()
    return np.stack(seen)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200_000, help="decisions to learn from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("policy"))
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    ppo = PPO(module_of(Network.random([30, 32, 16, 1], seed=options.seed)), Options(seed=options.seed))
    with torch.no_grad():
        for parameter in ppo.policy[-1].parameters():
            parameter.mul_(0.01)  # It begins with next to no opinion.
    before = evaluate(ppo.network())
    print("before:", json.dumps(before), flush=True)
    began, size = time.monotonic(), ppo.options.envs * ppo.options.horizon
    for index in range(max(1, options.steps // size)):
        figures = ppo.round()
        if index % 10 == 9:
            speed = (index + 1) * size / (time.monotonic() - began)
            print(f"{(index + 1) * size} steps, {speed:.0f} a second: {json.dumps(figures)}", flush=True)
    ppo.close()
    network = ppo.network(options.out.name)
    after = evaluate(network)
    print("after: ", json.dumps(after))
    weights = network.save(options.out)
    samples = options.out.with_name(options.out.name + "-calibration.npy")
    np.save(samples, calibration(network).astype(np.float32))
    print(f"medulla compile {weights} --calibration {samples} -o {options.out.with_suffix('.medulla')}")
    return 0 if after["reward"] > before["reward"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
