"""An HTTP server that answers for a fabric: the open inference protocol (KServe v2), with JSON and binary
tensors, so that its clients ask networks in the datapath as they ask any server.

    python -m medulla.fabric.gateway --name NAME --listen 127.0.0.1:8090

Each network has one input, ``input`` ``[n, inputs]`` of FP32 or FP64, and two outputs: ``outputs``
``[n, outputs]`` of FP64 and ``label`` ``[n]`` of INT32. Its version is its epoch. Errors are JSON,
``{"error": ...}``: 400 for what is asked wrongly, 404 for what there is not, 413 for what is too large, 503
when the fabric gives no answer or all its clients are busy.
"""

from medulla.fabric.gateway.pool import ClientPool, Network, RunningSource
from medulla.fabric.gateway.server import Gateway, GatewaySettings

__all__ = ["ClientPool", "Gateway", "GatewaySettings", "Network", "RunningSource"]
