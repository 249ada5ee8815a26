"""`python -m visolo`."""

import sys


def _run() -> int:
    try:
        from visolo.cli import main

        return main()
    except KeyboardInterrupt:  # while the modules are loaded: there is nothing yet to leave behind
        sys.stderr.write("visolo: interrupted; no unfinished file was left behind\n")
        return 130


if __name__ == "__main__":
    raise SystemExit(_run())
