"""Stable-Baselines3's PPO on ``medulla-congestion-v0``: train, save, compile.

    python -m medulla.examples.sb3_ppo --steps 100000 --out policy

Needs ``stable-baselines3``, and the ``medulla`` program (on PATH, or its path in ``MEDULLA``).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import medulla.envs
from medulla import Network
from medulla.examples.ppo_torch import calibration, evaluate
from medulla.examples.torch_regression import network_of


class Normalized(gymnasium.ObservationWrapper):
    """Observations as a policy learns well from; ``medulla.envs.export`` folds the same map into the network."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        space = env.observation_space
        assert isinstance(space, gymnasium.spaces.Box)
        self.observation_space = gymnasium.spaces.Box(self.observation(space.low), self.observation(space.high))

    def observation(self, observation: np.ndarray) -> np.ndarray:
        return (observation - medulla.envs.CENTER) * medulla.envs.SCALE


def network_of_model(model: PPO, name: str = "policy") -> Network:
    """The policy's mean from raw observations to the kernel's action."""
    hidden = list(model.policy.mlp_extractor.policy_net)
    return medulla.envs.export(network_of(torch.nn.Sequential(*hidden, model.policy.action_net), name))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100_000, help="decisions to learn from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("policy"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    envs = make_vec_env(
        lambda: Normalized(gymnasium.make("medulla-congestion-v0")), n_envs=8, seed=options.seed
    )
    model = PPO(
        "MlpPolicy", envs, n_steps=128, batch_size=256, n_epochs=6, learning_rate=1e-3, gamma=0.95, gae_lambda=0.9,
        seed=options.seed, device="cpu",
        policy_kwargs={"net_arch": {"pi": [32, 16], "vf": [64, 32]}, "log_std_init": -1.0},
    )
    before = evaluate(network_of_model(model))
    print("before:", json.dumps(before), flush=True)
    model.learn(options.steps)
    envs.close()
    network = network_of_model(model, options.out.name)
    after = evaluate(network)
    print("after: ", json.dumps(after))
    weights = network.save(options.out)
    samples = options.out.with_name(options.out.name + "-calibration.npy")
    np.save(samples, calibration(network).astype(np.float32))
    print(f"medulla compile {weights} --calibration {samples} -o {options.out.with_suffix('.medulla')}")
    return 0 if after["reward"] > before["reward"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
