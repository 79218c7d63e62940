"""``python -m medulla.nf module:Class [PATH FUNCTION]``: runs a function, of this directory's modules too."""

from __future__ import annotations

import argparse

from medulla import channel
from medulla.nf import Function, serve


class FunctionError(channel.ContractError):
    """The class is no network function."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m medulla.nf", description="Runs a network function.")
    parser.add_argument("name", metavar="module:Class")
    parser.add_argument("path", nargs="?", help="of the chain's host; none: that which started it")
    parser.add_argument("function", nargs="?", help="its name in the chain's file")
    parser.add_argument(
        "--reattaching", type=float, default=0, metavar="SECONDS", help="wait for another host")
    arguments = parser.parse_args()
    if (arguments.path is None) != (arguments.function is None):
        parser.error("a path needs a function's name")
    serve(
        channel.load(arguments.name, Function, FunctionError), arguments.path, arguments.function,
        arguments.reattaching)


if __name__ == "__main__":
    main()
