"""What a batcher costs per request and what it gains under load, as ratios within one run.

    python -m bench.batcher [--seconds 2] [--json]

1. Cost: microseconds of this process's CPU per request for LocalRuntime.call on an engine that does nothing, against a bare
   future that is resolved by the loop, and against one hop to a thread per request (run_in_executor).
2. Load: p50 and p99 of answers with our batcher and without batching (one request a run), Poisson arrivals at a rate that one
   request a run cannot follow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aisle.errors import AisleError
from aisle.runtime.local import LocalRuntime
from aisle.task import Answer, Context, Prepared

Ask = Callable[[], Awaitable[Any]]
FIXED, EACH = 0.004, 0.0005  # seconds that a run of the model under load takes, per batch and per request
RATE = 400.0  # requests a second offered; one request a run can follow 222
ROUNDS = 5


class Nothing:
    """An engine that costs nothing itself."""

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        return Prepared(request)

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        return batch

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        return Answer()


class Sleeping(Nothing):
    """An engine that takes its time and leaves the processor to others."""

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        time.sleep(FIXED + EACH * len(batch))
        return batch


async def cpu_each(ask: Ask, clients: int, seconds: float) -> float:
    """Microseconds of this process's CPU per request, with so many clients that each wait for their answer."""
    done = 0
    until = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await ask()
            done += 1

    began = time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    return (time.process_time() - began) * 1e6 / done


async def costs(clients: int, seconds: float) -> dict[str, float]:
    """Best of the rounds, taken in turn so that a noisy machine disturbs all alike."""
    loop = asyncio.get_running_loop()
    runtime = LocalRuntime()
    await runtime.swap(1, "bench", 1, Nothing())
    pool = ThreadPoolExecutor(1)
    context = Context()

    async def future() -> None:
        waiting = loop.create_future()
        loop.call_soon(waiting.set_result, None)
        await waiting

    async def thread() -> None:
        await loop.run_in_executor(pool, int)

    async def call() -> None:
        await runtime.call(1, "bench", "op", None, context, deadline=loop.time() + 10)

    asks: dict[str, Ask] = {"future": future, "thread": thread, "call": call}
    found: dict[str, list[float]] = {name: [] for name in asks}
    for _ in range(ROUNDS):
        for name, ask in asks.items():
            found[name].append(await cpu_each(ask, clients, seconds / ROUNDS))
    status = runtime.status()["1/bench@1"]
    await runtime.close()
    pool.shutdown()
    best = {f"{name}_us": min(values) for name, values in found.items()}
    return {
        "clients": clients,
        **best,
        "mean_batch": status.answers / status.batches,
        "call_over_future": best["call_us"] / best["future_us"],
        "call_over_thread": best["call_us"] / best["thread_us"],
    }


async def latencies(batch_cost: float, seconds: float) -> dict[str, float]:
    """Milliseconds from arrival to answer of those admitted, and how many were refused or too late."""
    runtime = LocalRuntime(queue=256, batch_cost=batch_cost)
    await runtime.swap(1, "bench", 1, Sleeping())
    taken: list[float] = []
    refused = 0
    loop = asyncio.get_running_loop()

    async def one() -> None:
        nonlocal refused
        began = loop.time()
        try:
            await runtime.call(1, "bench", "op", None, Context(), deadline=began + 2)
            taken.append((loop.time() - began) * 1000)
        except AisleError:
            refused += 1

    arrivals = random.Random(7)
    asked, due = [], loop.time()
    until = due + seconds
    while due < until:  # by the clock: a sleep that ends late must not lower the rate
        asked.append(asyncio.ensure_future(one()))
        due += arrivals.expovariate(RATE)
        await asyncio.sleep(max(0.0, due - loop.time()))
    await asyncio.gather(*asked)
    await runtime.close()
    cuts = statistics.quantiles(taken, n=100)
    return {"p50_ms": cuts[49], "p99_ms": cuts[98], "answered": len(taken), "refused": refused}


async def measure(seconds: float) -> dict[str, Any]:
    cost = [await costs(clients, seconds) for clients in (1, 32, 256)]
    alone, ours = await latencies(1.0, seconds), await latencies(64.0, seconds)
    ratios = {key: alone[key] / ours[key] for key in ("p50_ms", "p99_ms")}
    return {"cost": cost, "load": {"without_batches": alone, "batcher": ours, "without_over_batcher": ratios}}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=2.0)
    options.add_argument("--json", action="store_true")
    options.add_argument("--uvloop", action="store_true", help="on the loop that the server uses")
    given = options.parse_args()
    if given.uvloop:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(measure(given.seconds))
    else:
        found = asyncio.run(measure(given.seconds))
    if given.json:
        print(json.dumps(found))
        return 0
    for row in found["cost"]:
        print("cost", " ".join(f"{name}={value:.3g}" for name, value in row.items()))
    for name, row in found["load"].items():
        print("load", name, " ".join(f"{key}={value:.4g}" for key, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
