"""`python -m visolo`."""

from visolo.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
