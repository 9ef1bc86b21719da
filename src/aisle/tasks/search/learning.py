"""What shoppers' choices after a search teach: which items a question means, which words mean the same, and what signals weigh.

Nothing is learnt that fewer than `least_choices` people did: a question asked by one person may say who it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec.structs import replace

from aisle.kit.catalogue import Catalogue
from aisle.task import Context
from aisle.tasks.search.asked import Asked
from aisle.tasks.search.engine import SearchEngine
from aisle.tasks.search.model import Model
from aisle.tasks.search.schema import Config, Query, Weights
from aisle.tasks.search.words import words
from aisle.types import EVENT_CODE, Choice, Item

WANTED = {"click": 1.0, "view": 1.0, "add_to_cart": 3.0, "favourite": 3.0, "purchase": 5.0}
WEIGHT = {EVENT_CODE[name]: weight for name, weight in WANTED.items()}
SAME = 0.6  # of the choices after a word must have the other word for the two to mean the same
LIFT = 3.0  # and so many times more than items have it anyway
SURE = 0.7  # how sure a learnt synonym is at most
MOST_SYNONYMS = 3
MOST_WORDS = 4000  # of questions, for which synonyms are looked for
ENOUGH = 30  # questions with a choice before weights are tuned
TUNED = {"coverage": (0.2, 0.4, 0.6, 0.9), "popular": (0.0, 0.05, 0.15, 0.4), "asked": (0.25, 0.5, 1.0)}
MOST_TRIED = 200  # questions by which weights are tuned
DEEP = 50
Key = tuple[str, ...]  # the words of a question, sorted


@dataclass(slots=True)
class Told:
    """What people chose after one question."""

    users: set[str] = field(default_factory=set)
    weight: Counter[str] = field(default_factory=Counter)  # item_id -> weight
    latest: int = 0


def grouped(choices: Iterable[Choice]) -> dict[Key, Told]:
    """By question, whatever the order of its words; one person counts once for an item, with the strongest they did."""
    strongest: dict[tuple[Key, str, str], float] = {}
    found: dict[Key, Told] = defaultdict(Told)
    for choice in choices:
        key = tuple(sorted(set(words(choice.query))))
        weight = WEIGHT.get(choice.type, 0.0)
        if not key or not weight:
            continue
        told, mine = found[key], (key, choice.item_id, choice.user_id)
        told.users.add(choice.user_id)
        told.weight[choice.item_id] += max(0.0, weight - strongest.get(mine, 0.0))  # type: ignore[assignment]
        strongest[mine] = max(weight, strongest.get(mine, 0.0))
        told.latest = max(told.latest, choice.time)
    return found


def questions(told: Mapping[Key, Told], least: int) -> list[Asked]:
    """The questions that enough people asked, and what they chose; the strongest choice is 1."""
    kept = {key: one for key, one in told.items() if len(one.users) >= least}
    return [
        Asked(list(key), {item_id: round(weight / max(one.weight.values()), 4) for item_id, weight in sorted(one.weight.items())})
        for key, one in sorted(kept.items())
    ]


def synonyms(told: Mapping[Key, Told], items: Mapping[str, Item], least: int) -> dict[str, list[tuple[str, float]]]:
    """word asked -> words of what was chosen, where most choices have the other word, few items do, and the asked word itself is
    rare among them: what shoppers call otherwise than the shop does."""
    titles = {item_id: set(words(f"{item.title} {item.category or ''}")) for item_id, item in items.items()}
    common = Counter(word for own in titles.values() for word in own)
    people: dict[str, set[str]] = defaultdict(set)
    chosen: dict[str, Counter[str]] = defaultdict(Counter)
    for key, one in told.items():
        for word in key:
            people[word] |= one.users
            chosen[word].update(one.weight)
    found = {}
    for word in sorted(people, key=lambda word: (-len(people[word]), word))[:MOST_WORDS]:
        if len(people[word]) >= least and (same := _same(word, chosen[word], titles, common)):
            found[word] = same
    return found


def _same(word: str, chosen: Counter[str], titles: Mapping[str, set[str]], common: Counter[str]) -> list[tuple[str, float]]:
    had: Counter[str] = Counter()
    total = 0.0
    for item_id, weight in chosen.items():
        if item_id in titles:
            total += weight
            had.update(dict.fromkeys(titles[item_id], weight))
    if not total or had[word] > total / 2:  # the shop says it so itself
        return []
    shares = [(other, weight / total) for other, weight in had.items() if other != word and not other.isdigit()]
    good = [(other, share) for other, share in shares if share >= SAME and share >= LIFT * common[other] / max(len(titles), 1)]
    return [
        (other, round(SURE * share, 3)) for other, share in sorted(good, key=lambda pair: (-pair[1], pair[0]))[:MOST_SYNONYMS]
    ]


def tuned(
    model: Model, items: Sequence[Item], told: Mapping[Key, Told], step: Callable[[float], None]
) -> tuple[Config, dict[str, float]]:
    """The weights of coverage, popularity and former choices with the best mean reciprocal rank of what people chose after their
    newest questions, found one after another; and how good they are beside the given ones. Meaning and taste are not tried: their
    vectors are other tasks' knowledge."""
    config = model.learnt.config
    newest = sorted(told.items(), key=lambda pair: (-pair[1].latest, pair[0]))[:MOST_TRIED]
    if len(newest) < ENOUGH:
        return config, {}
    before = {key: one for key, one in told.items() if key not in dict(newest)}
    learnt = replace(model.learnt, asked=questions(before, config.least_choices))
    engine, context = SearchEngine(Model(learnt, model.stored)), Context(catalogue=Catalogue(items))

    def rank(chosen: Mapping[str, float]) -> float:
        return float(np.mean([_reciprocal(engine, context, key, one, chosen) for key, one in newest]))

    best = {name: float(getattr(config, name)) for name in TUNED}
    scores = {"chosen_mrr_untuned": rank(best)}
    highest = scores["chosen_mrr_untuned"]
    for number, (name, values) in enumerate(TUNED.items()):
        for value in values:
            if (score := rank({**best, name: value})) > highest + 1e-6:
                highest, best = score, {**best, name: value}
        step((number + 1) / len(TUNED))
    return replace(config, **best), {**scores, "chosen_mrr": highest}


def _reciprocal(engine: SearchEngine, context: Context, key: Key, told: Told, weights: Mapping[str, float]) -> float:
    asked = Query(query=" ".join(key), n=DEEP, explain="none", facets=False, weights=Weights(**weights))
    (found,) = engine.run("query", [engine.prepare("query", asked, context)])
    best = max(told.weight.values())
    ranks = [place + 1 for place, hit in enumerate(found.items) if told.weight.get(hit.item_id, 0) == best]
    return 1 / ranks[0] if ranks else 0.0
