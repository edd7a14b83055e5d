"""The process of `chatlog` and `python -m chatlog`: sets the garbage collector, then runs the command line."""

import gc

#: How many new objects there are between two looks for cycles.  A verb makes tens of thousands of objects and hardly a
#: cycle: to look at every 700, as Python does by itself, took 6 of the 95 ms of a search.
OBJECTS = 50_000


def main() -> None:
    """Run the command line of the process and end it."""
    gc.set_threshold(OBJECTS)
    from chatlog.cli import main as run

    try:
        run()
    finally:
        gc.freeze()  # else Python looks through all objects once more as it ends, which took 12 ms


if __name__ == "__main__":
    main()
