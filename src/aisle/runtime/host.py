"""Runs one engine on batches: a poison request fails alone, and every answer carries its share of the processor time."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from typing import Any

from aisle import observe
from aisle.errors import AisleError, EngineFailed
from aisle.task import Answer, Context, Engine, Prepared, Usage

FRAMES = 5  # of a broken engine's stack in the log


class Call:
    """A prepared request on its way through the batcher."""

    __slots__ = ("op", "prepared", "request")

    def __init__(self, op: str, request: Any, prepared: Prepared) -> None:
        self.op = op
        self.request = request
        self.prepared = prepared


class EngineHost:
    """An engine, made safe to share: the same in a thread, a process or on another machine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        """The engine's `prepare`; whatever it raises is an AisleError."""
        try:
            return self.engine.prepare(op, request, context)
        except AisleError:
            raise
        except Exception as error:
            raise failed(op, error) from error

    def run(self, op: str, requests: Sequence[Any], prepared: Sequence[Prepared]) -> list[Answer | Exception]:
        """One answer or error per request, in order. CPU time of the batch (this thread's) is shared by cost."""
        began = time.thread_time()
        results = self._results(op, prepared)
        answers = [self._finish(op, request, result) for request, result in zip(requests, results, strict=True)]
        total = sum(one.cost for one in prepared)
        cpu_ms = (time.thread_time() - began) * 1000
        for answer, one in zip(answers, prepared, strict=True):
            if isinstance(answer, Answer):
                answer.usage = Usage(cpu_ms=cpu_ms * one.cost / total if total > 0 else cpu_ms / len(answers))
        return answers

    def answer(self, calls: Sequence[Call]) -> list[Answer | Exception]:
        """`run` for a batch in which operations may be mixed: each operation runs once, the order stays."""
        op = calls[0].op
        if all(call.op == op for call in calls):
            return self.run(op, [call.request for call in calls], [call.prepared for call in calls])
        answers: dict[int, Answer | Exception] = {}
        for op in dict.fromkeys(call.op for call in calls):
            places = [place for place, call in enumerate(calls) if call.op == op]
            found = self.run(op, [calls[place].request for place in places], [calls[place].prepared for place in places])
            answers.update(zip(places, found, strict=True))
        return [answers[place] for place in range(len(calls))]

    def _results(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """The engine's results; a batch that breaks it is halved until the one at fault is alone."""
        try:
            results = self.engine.run(op, batch)
            if len(results) != len(batch):
                raise ValueError(f"the engine answered {len(batch)} requests with {len(results)} results")
            return results
        except Exception as error:  # noqa: BLE001 (the same reason as in prepare)
            if len(batch) == 1:
                return [error]
        middle = len(batch) // 2
        return [*self._results(op, batch[:middle]), *self._results(op, batch[middle:])]

    def _finish(self, op: str, request: Any, result: Any) -> Answer | Exception:
        try:
            if isinstance(result, Exception):
                raise result
            return self.engine.finish(op, request, result)
        except AisleError as error:
            return error
        except Exception as error:  # noqa: BLE001 (the same reason as in prepare)
            return failed(op, error)


def failed(op: str, error: Exception) -> EngineFailed:
    """Says and logs the kind of error and where it arose, never its text: that may quote the request."""
    kind = type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    observe.warn("engine.failed", op=op, error=kind, at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames])
    failed = EngineFailed(f"the model failed on this {op} request ({kind}): change the request, or see the server's log")
    failed.__cause__ = error
    return failed
