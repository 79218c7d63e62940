"""Gymnasium environments over Medulla's simulator. Importing this registers ``medulla-congestion-v0``."""

import gymnasium

from medulla.envs.congestion import ACTION_SCALE, CENTER, SCALE, CongestionEnv, export

__all__ = ["ACTION_SCALE", "CENTER", "SCALE", "CongestionEnv", "export"]

if "medulla-congestion-v0" not in gymnasium.registry:
    gymnasium.register(
        id="medulla-congestion-v0", entry_point="medulla.envs.congestion:CongestionEnv", order_enforce=True
    )
