"""`algorithm=auto`: every algorithm with its main settings, the better ones on more and more of the shop, until one is left.

Successive halving (Jamieson & Talwalkar, 2016): at first all learn from few events and are asked half of the questions; those
that come out best go on to four times as many events, at last to all. Two things differ. Who is worse than the leader by less
than chance explains (two standard errors of the difference, question by question) is not dropped before its time, and every
algorithm is judged by the best of its settings. Settings that helped the winner one by one are tried together at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import asdict
from msgspec.structs import replace as changed

from aisle.tasks.recommend import blend
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.lists import Lists
from aisle.tasks.recommend.model import Recipe
from aisle.tasks.recommend.questions import Exam
from aisle.tasks.recommend.schema import Config, Single
from aisle.tasks.recommend.scoring import closed_form_fits, limited
from aisle.tasks.recommend.sequence import learn as network
from aisle.tasks.recommend.trial import Marks, Trial
from aisle.tasks.recommend.world import World

DEFAULT: Single = "item_neighbours"
CANDIDATES: tuple[Single, ...] = (  # the cheap first; of equals the first is chosen
    DEFAULT, "popular", "sequence_neighbours", "session_neighbours", "content", "user_neighbours", "ease", "als", "sequence",
)  # fmt: skip
VARIANTS: dict[str, list[dict[str, Any]]] = {  # the settings that moved quality most on the public data sets
    "item_neighbours": [{"history_fade": 0.8}, {"history_fade": 0.95}, {"shrinkage": 50.0}, {"neighbours": 100, "history": 50}],
    "sequence_neighbours": [
        {"sequence_fade": 0.85}, {"sequence_fade": 0.5}, {"sequence_backward": 0.1},
        {"sequence_backward": 1.0, "sequence_together": 1.0}, {"sequence_damping": 10.0}, {"sequence_damping": 200.0},
        {"sequence_walk": 0.75, "sequence_popularity": 0.3},
    ],
    "session_neighbours": [{"session_fade": 0.8}],
    "content": [{"history_fade": 0.8}],
    "user_neighbours": [{"neighbours": 100}, {"neighbours": 200}],
    "ease": [
        {"history_fade": 0.8}, {"history_fade": 0.95}, {"ease_regularisation": 50.0}, {"ease_regularisation": 1000.0},
        {"ease_trend": 0.0},
    ],
    "als": [{"history_fade": 0.8}, {"als_regularisation": 0.001}, {"als_regularisation": 0.01}],
}  # fmt: skip
FIRST = 250_000  # events of the first rung
MORE = 4  # times as many on each further one
BLENDED = 6  # algorithms that a blend is tried of
ASKED_FOR_MORE = 4.0  # times the work of an answer that a model is for a blend: more candidates, twice, with what else is known
HOPELESS = 0.7  # of the leader's quality on a part, below which who is surely worse is dropped: more events may turn the order
KEPT = 10  # entrants that go on at most
ERRORS = 2.0  # standard errors within which a difference is chance
LEAST = 5.0  # seconds in which a network may learn something
LEARNING = 0.85  # of its time: the rest is for what comes before and for answering
FEW = 200  # questions below which all are asked on every rung
Say = Callable[[float, str], None]


class Entrant(NamedTuple):
    """A configuration and how it did where it was asked last."""

    config: Config
    marks: Marks

    @property
    def name(self) -> Single:
        return self.config.algorithm  # type: ignore[return-value]  # auto is never an entrant


class Race(NamedTuple):
    """How it went: the best of each algorithm on the last rung it reached, the best first."""

    finalists: list[Entrant]  # asked everything after learning from everything
    dropped: list[Entrant]  # left behind on a part
    untried: list[Single]
    blend: tuple[Recipe, Marks] | None  # of the best of every algorithm; None: no time, or nothing to blend
    trial: Trial  # of the last rung


class Clock:
    """Whether another try fits into the time there is; one of an algorithm is guessed from the one before it."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.pace: dict[str, float] = {}  # seconds an event

    def allows(self, name: str, events: int) -> bool:
        needed = max(self.pace.get(name, 0.0) * events, LEAST if name == "sequence" else 0.0)
        return self.left > 0 and needed <= self.left

    @property
    def left(self) -> float:
        """Seconds."""
        return self.until - time.monotonic()

    def keep(self, seconds: float) -> Clock:
        """The same clock, ending earlier."""
        kept = Clock(self.left - seconds)
        kept.pace = self.pace
        return kept

    def saw(self, name: str, events: int, seconds: float) -> None:
        self.pace[name] = seconds / max(events, 1)


def race(exam: Exam, config: Config, texts: Content, near: Lists, say: Say) -> Race:
    """Run all rungs. The default and popularity are always tried, whatever the time."""
    clock = Clock(config.auto_seconds)
    runners = _runners(exam.past, config)
    best: dict[str, Entrant] = {}
    entrants: list[Entrant] = []
    sizes = rungs(len(exam.past.time))
    for number, size in enumerate(sizes):
        trial = _trial(exam, size, changed(config, algorithm=DEFAULT), texts, near, whole=number == len(sizes) - 1)
        say(number / len(sizes), f"{len(runners)} entrants on {len(trial.past.time):,} events")
        entrants = _asked(trial, runners, clock, _within(say, number, len(sizes)))
        best |= {entrant.name: entrant for entrant in reversed(_ranked(entrants))}
        runners = keep(entrants)
    entrants += _together(trial, entrants, config, clock)
    if network.pays(len(trial.past.time)):  # one training, from all events, in what time the others and a blend leave
        mine = clock.keep(_to_blend(_parts(entrants, config)))
        alone = _asked(trial, [changed(config, algorithm="sequence")], mine, lambda done, said: say(1.0, said))
        entrants += alone
        best |= {one.name: one for one in alone}
    say(1.0, "blend")
    mixed = _blend(trial, _parts(entrants, config), clock)
    finalists = _ranked(entrants)
    done = {entrant.name for entrant in finalists}
    dropped = _ranked([entrant for name, entrant in best.items() if name not in done])
    return Race(finalists, dropped, [name for name in CANDIDATES if name not in best], mixed, trial)


def _parts(entrants: list[Entrant], config: Config) -> list[Entrant]:
    """What a blend is tried of: the best of every algorithm that may be in it."""
    firsts = {one.name: one for one in reversed(_ranked(entrants)) if _may_be_mixed(one.name, config) and one.marks.mean > 0}
    return _ranked(list(firsts.values()))[:BLENDED]


def _to_blend(parts: list[Entrant]) -> float:
    """Seconds that a blend of these will take."""
    return ASKED_FOR_MORE * sum(one.marks.asking for one in parts)


def _blend(trial: Trial, parts: list[Entrant], clock: Clock) -> tuple[Recipe, Marks] | None:
    """A blend of these, where asking all of them again fits into the time."""
    clock.saw("blend", 1, _to_blend(parts))
    return blend.learn(trial, [one.config for one in parts]) if len(parts) > 1 and clock.allows("blend", 1) else None


def _may_be_mixed(name: Single, config: Config) -> bool:
    return name != "popular" and (not config.blend_of or name in config.blend_of)  # popularity is a term of every blend


def blended_of(past: World, config: Config) -> list[Config]:
    """What algorithm=blend is made of before the ranker leaves any out; a network where it pays or is asked for by name, learnt
    for `auto_seconds`."""
    fits = {"ease": closed_form_fits(past, config), "sequence": network.pays(len(past.time)) or "sequence" in config.blend_of}
    names = [name for name in CANDIDATES if _may_be_mixed(name, config) and fits.get(name, True)]
    return [limited(config, name, config.auto_seconds) for name in names]


def rungs(events: int) -> list[int]:
    """How many events are learnt from on each rung; the last is all."""
    sizes, size = [], FIRST
    while size * 2 < events:
        sizes.append(size)
        size *= MORE
    return [*sizes, events]


def keep(entrants: list[Entrant]) -> list[Config]:
    """Those that go on, the best first: popularity and the default, and at most KEPT others, one of every algorithm before a
    second of any; those that are surely worse than the leader do not."""
    ranked = _ranked(entrants)
    leader = ranked[0].marks.ndcg
    least = HOPELESS * ranked[0].marks.mean
    hopeful = [one for one in ranked if one.marks.mean >= least or not surely_better(leader, one.marks.ndcg)]
    firsts = list({one.name: one.config for one in reversed(hopeful)}.values())[::-1]
    going = (firsts + [one.config for one in hopeful if one.config not in firsts])[:KEPT]
    always = {one.name: one.config for one in reversed(ranked) if one.name in (DEFAULT, "popular")}
    return going + [config for config in always.values() if config not in going]


def surely_better(left: Any, right: Any) -> bool:
    """Whether the mean of `left` is above that of `right` by more than chance explains, question by question."""
    apart = left - right
    return bool(apart.mean() > ERRORS * apart.std() / max(len(apart), 1) ** 0.5)


def settings_of(config: Config, given: Config) -> dict[str, Any]:
    """What auto changed."""
    old = asdict(given)
    return {name: value for name, value in asdict(config).items() if value != old[name] and name != "algorithm"}


def _runners(past: World, config: Config) -> list[Config]:
    """Every algorithm as set, then with other settings; what the shop has set itself stays."""
    fits = closed_form_fits(past, config)
    names = [name for name in CANDIDATES if name != "sequence" and (name != "ease" or fits)]
    plain = Config()
    others = [
        changed(config, algorithm=name, **variant)
        for name in names
        for variant in VARIANTS.get(name, [])
        if all(getattr(config, field) == getattr(plain, field) for field in variant)
    ]
    return [changed(config, algorithm=name) for name in names] + others


def _trial(exam: Exam, size: int, config: Config, texts: Content, near: Lists, *, whole: bool) -> Trial:
    past, asked = exam.past, exam.asked
    if not whole:
        rng = np.random.default_rng(0)
        share = size / max(len(past.time), 1)
        past = past.part((rng.random(len(past.users)) < share)[past.user])
        asked = asked[::2] if len(asked) >= 2 * FEW else asked
    return Trial.of(Exam(exam.kind, past, asked), config, texts, near, lambda done, said: None)


def _asked(trial: Trial, runners: list[Config], clock: Clock, say: Say) -> list[Entrant]:
    found: list[Entrant] = []
    events = len(trial.past.time)
    for number, config in enumerate(runners):
        name = config.algorithm
        must = name in (DEFAULT, "popular") and name not in [one.name for one in found]
        if must or clock.allows(name, events):
            say(number / len(runners), name)
            config = limited(config, name, LEARNING * clock.left) if name == "sequence" else config
            marks = trial.of_config(config)
            clock.saw(name, events, marks.seconds)
            found.append(Entrant(config, marks))
    return found


def _together(trial: Trial, entrants: list[Entrant], config: Config, clock: Clock) -> list[Entrant]:
    """The winner with all settings that helped it, where they are several and touch different things."""
    ranked = _ranked(entrants)
    winner = ranked[0]
    plain = next((one for one in entrants if one.config == changed(config, algorithm=winner.name)), winner)
    joined: dict[str, Any] = {}
    for one in ranked:
        if one.name == winner.name and one.marks.mean > plain.marks.mean:
            new = settings_of(one.config, config)
            joined |= new if not set(new) & set(joined) else {}
    both = changed(config, algorithm=winner.name, **joined)
    if (
        winner.name == "sequence"
        or both in [one.config for one in entrants]
        or not clock.allows(winner.name, len(trial.past.time))
    ):
        return []
    return [Entrant(both, trial.of_config(both))]


def _ranked(entrants: list[Entrant]) -> list[Entrant]:
    return sorted(entrants, key=lambda one: -one.marks.mean)


def _within(say: Say, number: int, of: int) -> Say:
    return lambda done, message: say((number + done) / of, message)
