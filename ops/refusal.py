"""What stops a start: told in one sentence, exit code 2."""

EXIT_CODE = 2


class Refusal(Exception):
    """Something on this machine stands in the way; the message says what, and the way out."""
