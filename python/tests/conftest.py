"""What the tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

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


@pytest.fixture(scope="session")
def nf_library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The library of network functions: that of MEDULLA_NF_LIBRARY, or one of the tree's sources."""
    named = os.environ.get("MEDULLA_NF_LIBRARY")
    if not named:
        script = Path(__file__).resolve().parents[2] / "scripts" / "nf-library.sh"
        if not script.exists() or not shutil.which("cc"):
            pytest.skip("no library of network functions: set MEDULLA_NF_LIBRARY to its path")
        named = str(tmp_path_factory.mktemp("library") / "libmedulla_nf.so")
        subprocess.run([str(script), named], check=True)
        os.environ["MEDULLA_NF_LIBRARY"] = named
    return named
