"""A live voice as the platform streams it: raw sound in, turns of speech found in it, each heard as it grows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.errors import BadInput
from aisle.kit import audio
from aisle.task import Answer
from aisle.tasks.speech.live import Listen, Partly, SpeechStarted, SpeechStopped, Turns
from aisle.tasks.speech.recogniser import Heard, Stream
from aisle.tasks.speech.vad import RATE, STEP, STEP_MS, Detector

Samples = NDArray[np.float32]
LONGEST = 60 * RATE  # samples of one turn; a longer one is answered and goes on as the next
SURE = 2  # steps of 32 ms above the threshold that make a beginning: a click is shorter
RELEASE = 0.15  # so far below the threshold counts as silence (Silero's own default)


class Listener:
    """A task.Stream. `begin` opens the recogniser's stream for a turn; `answer` makes the answer of what was heard."""

    def __init__(self, request: Listen, begin: Callable[[], Stream], answer: Callable[[Heard], Answer]) -> None:
        self._begin, self._answer = begin, answer
        self._decoder = audio.Live(request.format, request.rate)
        self._turns = Turning(request.turns) if request.turns is not None else None
        self._rest = np.zeros(0, np.float32)  # samples that are no whole step yet
        self._stream: Stream | None = None  # of the turn that is being spoken
        self._waiting: list[Samples] = []  # of the turn, not heard yet
        self._said = 0  # samples of the turn
        self._at = 0  # samples since the stream was opened
        self._text = ""

    def push(self, part: Any) -> Sequence[Any]:
        """Hear a part (bytes). Raises BadInput."""
        if not isinstance(part, bytes | bytearray | memoryview):
            raise BadInput("a part of a live voice is raw sound")
        sound = self._decoder.push(bytes(part))
        if self._turns is None:
            return self._hear(sound) if len(sound) else []
        sound = np.concatenate([self._rest, sound])
        whole = len(sound) // STEP * STEP
        self._rest = sound[whole:]
        found: list[Any] = []
        for step, probability in zip(sound[:whole].reshape(-1, STEP), self._turns.judge(sound[:whole]), strict=True):
            found += self._step(step, probability, self._turns)
        return latest([*found, *self._caught_up()])

    def finish(self) -> Answer:
        """The answer on what was said since the last one."""
        if self._turns is not None:
            if self._stream is not None and len(self._rest):
                self._stream.push(self._rest)
            self._rest = np.zeros(0, np.float32)
            self._turns.reset()
        return self._end()

    def _step(self, sound: Samples, probability: float, turns: Turning) -> list[Any]:
        """32 ms, judged; what belongs to a turn waits until the part has been judged, or the turn ends."""
        self._at += len(sound)
        change = turns.push(sound, probability)
        if change == "begins":
            before = turns.take()
            self._stream, self._said, self._text = self._begin(), 0, ""
            self._wait(before)
            return [SpeechStarted(self._ms(self._at - len(before)))]
        if self._stream is None:
            return []
        self._wait(sound)
        if change == "ends" or self._said >= LONGEST:
            turns.reset()
            return [*self._caught_up(), SpeechStopped(self._ms(self._at)), self._end()]
        return []

    def _wait(self, sound: Samples) -> None:
        self._waiting.append(sound)
        self._said += len(sound)

    def _caught_up(self) -> list[Any]:
        """Give the recogniser what waits, all at once: a look at the text so far is the dearest part of a live voice."""
        waiting, self._waiting = self._waiting, []
        return self._hear(np.concatenate(waiting)) if waiting else []

    def _hear(self, sound: Samples) -> list[Any]:
        """Give the recogniser more of this turn, and tell of its text where that has changed."""
        if self._stream is None:
            self._stream, self._text = self._begin(), ""
        partial = self._stream.push(sound)
        if partial is None or partial.text == self._text:
            return []
        self._text = partial.text
        return [Partly(partial.text, partial.stable)]

    def _end(self) -> Answer:
        stream, self._stream = self._stream or self._begin(), None
        return self._answer(stream.finish())

    def _ms(self, samples: int) -> int:
        return round(1000 * samples / RATE)


class Turning:
    """Finds out, 32 ms at a time, where a turn of speech begins and ends; keeps what came just before it."""

    def __init__(self, rules: Turns) -> None:
        self._rules = rules
        self._detector = Detector()
        self._patience = max(1, round(rules.silence_duration_ms / STEP_MS))
        self._before: deque[Samples] = deque(maxlen=SURE + max(0, round(rules.prefix_padding_ms / STEP_MS)))
        self._speaking = False
        self._run = 0  # steps in a row that say the other thing than the state

    def judge(self, steps: Samples) -> list[float]:
        """How likely each step is speech, in one run of the detector."""
        return self._detector.push(steps)

    def push(self, step: Samples, probability: float) -> str:
        """What this step changes: "begins", "ends" or nothing ("")."""
        if self._speaking:
            self._run = self._run + 1 if probability < self._rules.threshold - RELEASE else 0
            return "ends" if self._run >= self._patience else ""
        self._before.append(step)
        self._run = self._run + 1 if probability >= self._rules.threshold else 0
        if self._run < SURE:
            return ""
        self._speaking, self._run = True, 0
        return "begins"

    def take(self) -> Samples:
        """The sound from a little before the turn began until now."""
        sound = np.concatenate(list(self._before))
        self._before.clear()
        return sound

    def reset(self) -> None:
        """The turn is over."""
        self._speaking, self._run = False, 0
        self._before.clear()


def latest(found: list[Any]) -> list[Any]:
    """Without texts that the next one in the same run already replaces."""
    kept: list[Any] = []
    for one in found:
        if kept and isinstance(one, Partly) and isinstance(kept[-1], Partly):
            kept[-1] = one
        else:
            kept.append(one)
    return kept
