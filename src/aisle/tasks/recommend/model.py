"""Everything training learnt, as one object, and its files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aisle.tasks.recommend import files
from aisle.tasks.recommend.als import Factors, served
from aisle.tasks.recommend.bought_together import Together
from aisle.tasks.recommend.cold import Kin
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.lists import Lists
from aisle.tasks.recommend.popular import Popularity
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.sequence import learn as network
from aisle.tasks.recommend.sequence.served import Live, Served
from aisle.tasks.recommend.session_neighbours import Visits
from aisle.tasks.recommend.user_neighbours import Crowd
from aisle.tasks.recommend.way import Way
from aisle.tasks.recommend.weights import DISMISS, PURCHASE, Weights
from aisle.tasks.recommend.world import World

SEEN, DISMISSED, BOUGHT = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Had:
    """What users had at training, as csr rows: flags SEEN, DISMISSED, BOUGHT and the time of the newest purchase."""

    indptr: NDArray[np.int64]  # (users + 1,)
    item: NDArray[np.int32]
    flag: NDArray[np.uint8]
    bought: NDArray[np.int64]  # microseconds; 0: never

    @staticmethod
    def of(world: World, weights: Weights) -> Had:
        keep = world.item < world.known
        user, item, types, time = (row[keep] for row in (world.user, world.item, world.type, world.time))
        cells, inverse = np.unique(user.astype(np.int64) * max(world.known, 1) + item, return_inverse=True)
        flag = np.zeros(len(cells), np.uint8)
        for bit, chosen in ((SEEN, weights.seen[types]), (DISMISSED, types == DISMISS), (BOUGHT, types == PURCHASE)):
            flag[inverse[chosen]] |= bit
        bought = np.zeros(len(cells), np.int64)
        np.maximum.at(bought, inverse, np.where(types == PURCHASE, time, 0))
        used = flag > 0
        owner, column = cells[used] // max(world.known, 1), cells[used] % max(world.known, 1)
        indptr = np.searchsorted(owner, np.arange(len(world.users) + 1))
        return Had(indptr, column.astype(np.int32), flag[used], bought[used])


@dataclass(frozen=True, slots=True)
class Blend:
    """The models of algorithm=blend and the weights of its terms."""

    parts: list[Model]  # they share all but their lists and factors with the model they belong to
    weights: NDArray[np.float64]  # models, then the terms of the candidate itself


@dataclass
class Model:
    """Items are places 0 … N−1, the catalogue at training."""

    config: Config
    names: list[str]  # (N,) item ids
    titles: list[str]
    created: NDArray[np.int64]  # (N,) microseconds; 0: not said
    until: int  # newest event, microseconds
    behaviour: Lists
    texts: Lists
    personal: Lists  # what for_user adds up: behaviour, with texts where there is none
    images: Lists | None
    content: Content
    popularity: Popularity
    together: Together
    had: Had
    users: list[str]
    crowd_parts: Path | Crowd
    unknown: list[str]  # items only events know: columns N … of the users' vectors
    factors: Factors | None = None  # only for algorithm=als
    blend: Blend | None = None  # only for algorithm=blend
    events: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # (N,) of every item, impressions included
    kin: Kin | None = None  # where items without behaviour belong; None: nothing is known of behaviour
    share: float = 1.0  # what likeness of a new item counts in `personal`: `content_share`, on the scale of the lists
    stand_ins: Lists | None = None  # (N, k) only while learning: `texts`, and for items without behaviour what `kin` says
    network: Served | None = None  # only for algorithm=sequence, and for blends with it
    visits: Visits | None = None  # only for algorithm=session_neighbours, and for blends with it
    extra: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def way(self) -> Way:
        return Way.of(self.config)

    @cached_property
    def live(self) -> Live | None:
        """The network, beside the catalogue."""
        return None if self.network is None else Live(self.network, self.weights)

    @cached_property
    def shared(self) -> NDArray[np.float64]:
        """(factors, factors) α XᵀX of als, the part of folding in that is the same for all users."""
        assert self.factors is not None
        return np.asarray(self.factors.alpha * (self.factors.items.T @ self.factors.items), np.float64)

    @cached_property
    def weights(self) -> Weights:
        return Weights.of(self.config)

    @cached_property
    def strength(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(types,) the rank of each event type by its weight's size, and the type of each rank."""
        by_strength = np.argsort(np.abs(self.weights.table), kind="stable")
        return np.argsort(by_strength), by_strength

    @cached_property
    def flags(self) -> NDArray[np.uint8]:
        """(types,) what an event of each type makes of its item."""
        flags = np.where(self.weights.seen, SEEN, 0).astype(np.uint8)
        flags[DISMISS] |= DISMISSED
        flags[PURCHASE] |= BOUGHT
        return flags

    @cached_property
    def place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def column(self) -> dict[str, int]:
        """Item id -> column of the users' vectors."""
        return {name: column for column, name in enumerate([*self.names, *self.unknown])}

    @cached_property
    def row(self) -> dict[str, int]:
        return {user: row for row, user in enumerate(self.users)}

    @cached_property
    def unheard(self) -> NDArray[np.bool_]:
        """(N,) items without any behaviour."""
        return np.asarray(~(self.behaviour.values > 0).any(axis=1), bool)

    @cached_property
    def crowd(self) -> Crowd:
        """The users' vectors, read when first asked for: only user neighbours need them."""
        if isinstance(self.crowd_parts, Crowd):
            return self.crowd_parts
        return _load_crowd(self.crowd_parts, self.users)


def save(model: Model, folder: Path) -> None:
    """Write every file of the model."""
    parts = {"behaviour": model.behaviour, "texts": model.texts, "personal": model.personal, "together": model.together.lists}
    if model.images is not None:
        parts["images"] = model.images
    for name, lists in parts.items():
        files.save(folder, **{f"{name}_indices": lists.indices, f"{name}_values": lists.values})
    popular, had = model.popularity, model.had
    files.save(folder, together_orders=model.together.orders, content_idf=model.content.idf, created=model.created)
    files.save(folder, popular_score=popular.score, popular_shoppers=popular.shoppers)
    files.save(folder, popular_day=popular.day, popular_item=popular.item, popular_weight=popular.weight)
    files.save(folder, had_indptr=had.indptr, had_item=had.item, had_flag=had.flag, had_bought=had.bought)
    files.save_sparse(folder, "content", model.content.rows)
    if model.factors is not None:
        _save_factors(model.factors, folder)
    if model.network is not None:
        network.save(model.network, folder)
    if model.visits is not None:
        _save_visits(model.visits, folder)
    crowd = model.crowd
    files.save_sparse(folder, "taste", crowd.taste)
    files.save_sparse(folder, "wants", crowd.wants)
    files.save(folder, user_first=crowd.first, user_last=crowd.last)
    for name, value in (("names", model.names), ("titles", model.titles), ("users", model.users), ("unknown", model.unknown)):
        files.save_json(folder, name, value)
    files.save_json(folder, "vocabulary", model.content.vocabulary)
    if model.blend is not None:
        _save_blend(model.blend, folder)
    if model.kin is not None:
        files.save(folder, kin_vectors=model.kin.vectors, kin_words=model.kin.words)
    files.save(folder, share=np.array(model.share), events=model.events)
    files.save_json(folder, "settings", model.config)
    files.save_json(folder, "facts", {"until": model.until, "rated": int(crowd.rated), **model.extra})


def load(folder: Path) -> Model:
    """Open what `save` wrote. Raises Misconfigured where a file is missing or damaged."""
    return _with_blend(_load_one(folder), folder)


def _load_one(folder: Path) -> Model:
    facts = files.load_json(folder, "facts", dict[str, int])
    popular = (files.load(folder, f"popular_{part}") for part in ("score", "shoppers", "day", "item", "weight"))
    had = (files.load(folder, f"had_{part}") for part in ("indptr", "item", "flag", "bought"))
    vocabulary = files.load_json(folder, "vocabulary", list[str])
    return Model(
        config=files.load_json(folder, "settings", Config),
        names=files.load_json(folder, "names", list[str]),
        titles=files.load_json(folder, "titles", list[str]),
        created=files.load(folder, "created"),
        until=facts["until"],
        behaviour=_lists(folder, "behaviour"),
        texts=_lists(folder, "texts"),
        personal=_lists(folder, "personal"),
        images=_lists(folder, "images") if (folder / "images_indices.npy").exists() else None,
        content=Content.of(vocabulary, files.load(folder, "content_idf"), files.load_sparse(folder, "content")),
        popularity=Popularity(*popular),
        together=Together(_lists(folder, "together"), files.load(folder, "together_orders")),
        had=Had(*had),
        users=files.load_json(folder, "users", list[str]),
        crowd_parts=folder,
        unknown=files.load_json(folder, "unknown", list[str]),
        factors=_factors(folder),
        kin=_kin(folder),
        share=float(files.load(folder, "share")),
        events=files.load(folder, "events"),
        network=network.load(folder),
        visits=_visits(folder),
        extra={name: value for name, value in facts.items() if name not in ("until", "rated")},
    )


def _kin(folder: Path) -> Kin | None:
    if not (folder / "kin_words.npy").exists():
        return None
    return Kin(files.load(folder, "kin_vectors"), files.load(folder, "kin_words"))


def _lists(folder: Path, name: str) -> Lists:
    return Lists(files.load(folder, f"{name}_indices"), files.load(folder, f"{name}_values"))


def _visits(folder: Path) -> Visits | None:
    if not (folder / "visit_item.npy").exists():
        return None
    return Visits(files.load(folder, "visit_start"), files.load(folder, "visit_item"), int(files.load(folder, "visit_items")))


def _save_visits(visits: Visits, folder: Path) -> None:
    files.save(folder, visit_start=visits.start, visit_item=visits.item, visit_items=np.array(visits.items))


def _factors(folder: Path, prefix: str = "") -> Factors | None:
    if not (folder / f"{prefix}als_items.npy").exists():
        return None
    return served(files.load(folder, f"{prefix}als_items"), *files.load(folder, f"{prefix}als_ridge").tolist())


def _save_factors(factors: Factors, folder: Path, prefix: str = "") -> None:
    ridge = np.array((factors.alpha, factors.regularisation, factors.exponent))
    files.save(folder, **{f"{prefix}als_items": factors.items.astype(np.float32), f"{prefix}als_ridge": ridge})


def _save_blend(blend: Blend, folder: Path) -> None:
    files.save_json(folder, "blend", {"parts": [part.config for part in blend.parts], "weights": blend.weights.tolist()})
    for number, part in enumerate(blend.parts):
        lists = {"indices": part.personal.indices, "values": part.personal.values}
        files.save(folder, **{f"part{number}_personal_{name}": array for name, array in lists.items()})
        if part.factors is not None:
            _save_factors(part.factors, folder, f"part{number}_")
        if part.visits is not None:  # of all parts the same
            _save_visits(part.visits, folder)
        if part.network is not None:
            network.save(part.network, folder)


class Recipe(Struct, frozen=True):
    """The models of a blend, by their settings, and the weights of its terms."""

    parts: list[Config]
    weights: list[float]  # models, then the terms of the candidate itself


def recipe_of(folder: Path) -> Recipe | None:
    """How the blend of a model is made; None where it is none."""
    return files.load_json(folder, "blend", Recipe) if (folder / "blend.json").exists() else None


def _with_blend(model: Model, folder: Path) -> Model:
    recipe = recipe_of(folder)
    if recipe is None:
        return model
    parts = [
        replace(
            model,
            config=config,
            personal=_lists(folder, f"part{number}_personal"),
            factors=_factors(folder, f"part{number}_"),
            visits=model.visits if config.algorithm == "session_neighbours" else None,
            network=model.network if config.algorithm == "sequence" else None,
        )
        for number, config in enumerate(recipe.parts)
    ]
    return replace(model, blend=Blend(parts, np.array(recipe.weights)))


def _load_crowd(folder: Path, users: list[str]) -> Crowd:
    rated = bool(files.load_json(folder, "facts", dict[str, int])["rated"])
    taste, wants = files.load_sparse(folder, "taste"), files.load_sparse(folder, "wants")
    return Crowd(users, taste, wants, files.load(folder, "user_first"), files.load(folder, "user_last"), rated)
