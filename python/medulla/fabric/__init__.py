"""Networks that run on the switches of a fabric, asked from Python: what ``medulla fabric infer`` does.

``FabricClient`` sends rows of features into a fabric and takes the answers out. ``python -m
medulla.fabric.gateway`` is an HTTP server that answers the same for clients that speak the open inference
protocol (KServe v2).
"""

from medulla.fabric.client import FabricAnswers, FabricClient
from medulla.fabric.errors import FabricError

__all__ = ["FabricAnswers", "FabricClient", "FabricError"]
