"""Writes down windows, and tries again more boldly where what was written cannot be true (OpenAI's temperature fallback)."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aisle.tasks.speech.whisper.network import Hypothesis, Network


@dataclass(frozen=True, slots=True)
class Options:
    """How windows are written down. The defaults are OpenAI's."""

    beam: int = 5  # hypotheses kept while searching; 1 is greedy
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # tried in this order until the text is plausible
    most_repetition: float = 2.4  # text that zlib shrinks further than this repeats itself
    least_mean: float = -1.0  # mean log-probability of a token below which a text is not believed
    no_speech: float = 0.6  # above this, and not believed: nobody spoke
    alternatives: int = 5
    most_tokens: int = 448  # of prompt and text

    def plausible(self, written: Written) -> bool:
        return written.repetition <= self.most_repetition and written.mean >= self.least_mean

    def silent(self, written: Written) -> bool:
        return written.no_speech > self.no_speech and written.mean < self.least_mean


@dataclass(frozen=True, slots=True)
class Written:
    """What was written for a window at one temperature."""

    tokens: list[int]
    text: str
    mean: float  # log-probability of a token
    repetition: float  # length over compressed length
    no_speech: float
    temperature: float
    texts: list[tuple[str, float]]  # all that were found, each with its log-probability, most probable first


def write(
    network: Network, encoded: Any, prompts: list[list[int]], options: Options, text_of: Callable[[Sequence[int]], str]
) -> list[Written]:
    """For each encoded window the first plausible text, or the best of all that were tried; an empty one where nobody spoke."""
    tried: dict[int, list[Written]] = defaultdict(list)
    left = list(range(len(prompts)))
    for temperature in options.temperatures:
        for place, written in _attempt(network, encoded, prompts, left, temperature, options, text_of):
            tried[place].append(written)
        left = [place for place in left if not options.plausible(tried[place][-1]) and not options.silent(tried[place][-1])]
        if not left:
            break
    return [_best(tried[place], options) for place in range(len(prompts))]


def _attempt(
    network: Network,
    encoded: Any,
    prompts: list[list[int]],
    places: list[int],
    temperature: float,
    options: Options,
    text_of: Callable[[Sequence[int]], str],
) -> list[tuple[int, Written]]:
    """One try at one temperature: windows with prompts of one length go through the network together."""
    alike: dict[int, list[int]] = defaultdict(list)
    for place in places:
        alike[len(prompts[place])].append(place)
    found: list[tuple[int, Written]] = []
    for some in alike.values():
        hypotheses = network.write(
            network.pick(encoded, some), [prompts[place] for place in some], beam=options.beam,
            temperature=temperature, most=options.most_tokens, hypotheses=options.alternatives,
        )  # fmt: skip
        found += [(place, written(own, temperature, text_of)) for place, own in zip(some, hypotheses, strict=True)]
    return found


def written(hypotheses: list[Hypothesis], temperature: float, text_of: Callable[[Sequence[int]], str]) -> Written:
    """The most probable hypothesis, judged."""
    best = hypotheses[0]
    text = text_of(best.tokens).strip()
    mean = best.log_probability / (len(best.tokens) + 1)
    texts = [(text_of(one.tokens).strip(), one.log_probability) for one in hypotheses]
    return Written(best.tokens, text, mean, repetition(text), best.no_speech, temperature, texts)


def repetition(text: str) -> float:
    """How much shorter a text becomes when it is compressed: above 2.4 it says the same again and again."""
    plain = text.encode()
    return len(plain) / len(zlib.compress(plain)) if plain else 0.0


def _best(tried: list[Written], options: Options) -> Written:
    """The last try where it was plausible; else the most probable one that does not repeat itself; nothing where nobody spoke."""
    last = tried[-1]
    if options.silent(last):
        return Written([], "", last.mean, 0.0, last.no_speech, last.temperature, [])
    if options.plausible(last):
        return last
    calm = [one for one in tried if one.repetition <= options.most_repetition]
    return max(calm or tried, key=lambda one: one.mean)
