"""What the tests share."""

from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def medulla_program() -> str:
    """The simulator's program; MEDULLA_REQUIRE_SIMULATOR=1 makes its absence a failure."""
    program = os.environ.get("MEDULLA") or shutil.which("medulla")
    if not program:
        if os.environ.get("MEDULLA_REQUIRE_SIMULATOR") == "1":
            pytest.fail("MEDULLA_REQUIRE_SIMULATOR=1, but there is no medulla program")
        pytest.skip("no medulla program: set MEDULLA to its path")
    return program
