"""`personalize-relay`, and `python -m relay`."""

from relay.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
