"""What goes wrong between a program and a fabric."""

from __future__ import annotations

#: The codes of errors: what kind it is, for programs.
BAD_INPUT = "bad-input"
BAD_NAME = "bad-name"
NO_ANSWER = "no-answer"
NO_SEAT = "no-seat"
NOT_RUNNING = "not-running"
SYSTEM = "system"
UNKNOWN_MODEL = "unknown-model"


class FabricError(Exception):
    """``code`` says what kind it is, ``message`` what happened, ``cause`` why, ``remedy`` what to do; the
    last two may be empty."""

    def __init__(self, code: str, message: str, cause: str = "", remedy: str = "") -> None:
        self.code, self.message, self.cause, self.remedy = code, message, cause, remedy
        super().__init__(code, message, cause, remedy)

    def __str__(self) -> str:
        text = f"{self.message}: {self.cause}" if self.cause else self.message
        return f"{text} ({self.remedy})" if self.remedy else text
