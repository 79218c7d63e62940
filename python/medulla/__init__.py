"""The Python side of Medulla: adapters that keep a network learning, and environments to train in.

An adapter is a class with three duties (LiteFlow, section 4.1): ``freeze`` gives the network, ``adapt`` learns
from a batch, ``evaluate`` answers for inputs. The daemon runs it in a process of its own by
``python -m medulla.adapter module:Class``.

A labeler says of what class flows are, by ``label``: ``python -m medulla.labeler module:Class``.

Importing :mod:`medulla.envs` registers the Gymnasium environment ``medulla-congestion-v0``.
"""

from medulla.adapter import Adapter, Batch, Greeting, Progress
from medulla.labeler import Labelled, Labeler, LabelGreeting, LabelRequest, OnnxLabeler
from medulla.layers import Dense, Network

__all__ = [
    "Adapter", "Batch", "Dense", "Greeting", "LabelGreeting", "LabelRequest", "Labelled", "Labeler", "Network",
    "OnnxLabeler", "Progress", "__version__",
]
__version__ = "0.1.0"
