"""`make crash`: rounds of kill -9 under load; the last line is one JSON object.

Each round a whole server with its Valkey serves people who ask, vote, ballot and draw over WebSockets, until one of them
or both are killed at a random moment. What comes back is held against every acknowledgement of the session.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from loadtests.crash.trial import Result, Trial


def main() -> None:
    """Run the rounds; the status is 1 when anything was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.crash", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1_000)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="to repeat a run; told at its start"
    )
    options = parser.parse_args()
    print(f"{options.rounds} rounds with --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="livetrial-crash-") as folder:
        result = asyncio.run(_run(Trial(Path(folder), options.seed), options.rounds))
    print(json.dumps(asdict(result)))
    sys.exit(1 if result.lost or result.duplicated else 0)


async def _run(trial: Trial, rounds: int) -> Result:
    async def tell() -> None:
        while True:
            await asyncio.sleep(10)
            print(json.dumps(asdict(trial.result)), flush=True)

    telling = asyncio.create_task(tell())
    try:
        return await trial.run(rounds)
    finally:
        telling.cancel()


if __name__ == "__main__":
    main()
