"""`python -m ops up`: start Assay and stay in the foreground."""

import sys

from ops.refusal import EXIT_CODE, Refusal
from ops.supervisor import up

USAGE = "usage: python -m ops up"


def main(arguments: list[str]) -> int:
    """0 after an orderly stop; 2 with one sentence where this machine stands in the way."""
    if arguments != ["up"]:
        print(USAGE, file=sys.stderr)
        return EXIT_CODE
    try:
        return up()
    except Refusal as refusal:
        print(f"assay: {refusal}", file=sys.stderr)
        return EXIT_CODE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
