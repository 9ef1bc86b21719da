"""Training: the shop's rows become the files of a model, with its quality on held-out events beside popularity's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace as changed

from aisle.errors import BadInput
from aisle.kit.nearest import best
from aisle.task import Data, Progress, Scores
from aisle.tasks.recommend import bought_together, cold, content, files, item_neighbours, model, popular, user_neighbours
from aisle.tasks.recommend.blend import blended_model
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.held_out import Found, measure
from aisle.tasks.recommend.lists import Lists
from aisle.tasks.recommend.model import Had, Model
from aisle.tasks.recommend.schema import Config, Single
from aisle.tasks.recommend.scoring import scored_by
from aisle.tasks.recommend.sequence.served import Served
from aisle.tasks.recommend.trial import with_settings
from aisle.tasks.recommend.view import moment
from aisle.tasks.recommend.weights import RATE, Weights
from aisle.tasks.recommend.world import World, read

STEPS = 100.0
BLOCK = 512  # items whose pictures are compared at once
Step = Callable[[float, str], None]
Part = Callable[..., None]  # done, of how much, and perhaps what to say


class Rows(NamedTuple):
    """The shop's rows as arrays, and what is known of its items without any event."""

    world: World
    texts: Content
    near: Lists


def fit(data: Data, config: Config, folder: Path, progress: Progress) -> Scores:
    """Learn everything, write it, and say how good it is. Raises BadInput for a shop without items."""
    rows = gathered(data, config, progress)
    found = measure(rows.world, config, rows.texts, rows.near, _from(_said(progress), 30, 65))
    written(data, rows, found, folder, progress)
    return {**found.scores, **_facts(rows.world)}


def gathered(data: Data, config: Config, progress: Progress) -> Rows:
    """Items and events, and the likeness of texts. Raises BadInput for a shop without items."""
    step = _said(progress)
    step(0, "reading items and events")
    world = read(data)
    if not world.items:
        raise BadInput(
            "there are no items to recommend: import the catalogue first, with `aisle import items FILE` or PUT /v1/items"
        )
    step(10, f"{world.known:,} items, {len(world.user):,} events of {len(world.users):,} users")
    texts = content.read(world.items)
    return Rows(world, texts, content.learn(texts, config.content_neighbours, _within(step, 15, 30, "likeness of texts")))


def written(data: Data, rows: Rows, found: Found, folder: Path, progress: Progress, served: Served | None = None) -> None:
    """Learn what was found best from everything, and write its files; a network that is `served` is not trained again."""
    world, step = rows.world, _said(progress)
    place = {name: number for number, name in enumerate(world.names[: world.known])}  # after them: names that only events know
    spaces = cold.vectors_of({name: list(data.vectors(name)) for name in cold.SPACES}, place)
    whole = learnt(world, found, rows.texts, rows.near, _from(step, 65, 95), spaces, served)
    whole.images = pictures(data.vectors("image"), whole.place, found.config.neighbours)
    step(95, "writing files")
    model.save(whole, folder)
    files.save_json(folder, "about", {"algorithm": found.config.algorithm, "chosen": found.why})
    step(STEPS, f"done: {found.config.algorithm}, {found.why}")


def _said(progress: Progress) -> Step:
    return lambda done, message: progress(done, STEPS, message)


def learnt(
    world: World, found: Found, texts: Content, near: Lists, step: Step, spaces: Mapping[str, cold.Matrix] | None = None,
    served: Served | None = None,
) -> Model:  # fmt: skip
    """The model that was found best, from everything."""
    if found.recipe is None:
        return learn(world, found.config, texts, near, step, spaces, served)
    base = learn(
        world, changed(found.config, algorithm="item_neighbours"), texts, near, lambda done, said: step(done * 0.5, said)
    )
    parts = []
    share = 50 / len(found.recipe.parts)
    for number, config in enumerate(found.recipe.parts):
        within = _within(step, 50 + share * number, 50 + share * (number + 1), config.algorithm)
        within(0, 1)
        parts.append(scored_by(config.algorithm, with_settings(base, config, world), world, within, served))  # type: ignore[arg-type]
    return blended_model(base, parts, found.recipe.weights)


def learn(
    world: World, config: Config, texts: Content, near: Lists, step: Step, spaces: Mapping[str, cold.Matrix] | None = None,
    served: Served | None = None,
) -> Model:  # fmt: skip
    """A model in memory, for a single algorithm. `texts` and `near` do not depend on events: a second model may share them.
    A network that is `served` is taken as it is."""
    weights = Weights.of(config)
    interest = world.interest(weights)
    rated = bool((world.type == RATE).any())
    by = "pearson_full" if config.measure == "pearson" and not rated else config.measure
    behaviour = item_neighbours.learn(interest, config, by, _within(step, 0, 50, "likeness of behaviour"))
    step(50, "what is popular, what is bought together")
    popularity = popular.learn(world, weights, config)
    together = bought_together.learn(world, config)
    liked = interest > 0
    kin = cold.learn(liked.tocsr(), texts, world.items, spaces or {}) if liked.nnz and config.content_share else None
    heard = np.asarray((behaviour.values > 0).any(axis=1), bool)
    step(60, "users")
    whole = Model(
        config=config,
        names=world.names[: world.known],
        titles=[item.title for item in world.items],
        created=np.array([moment(item) for item in world.items], np.int64),
        until=world.until,
        behaviour=behaviour,
        texts=near,
        personal=near,
        images=None,
        content=texts,
        popularity=popularity,
        together=together,
        had=Had.of(world, weights),
        users=world.users,
        crowd_parts=user_neighbours.learn(world, weights),
        unknown=world.names[world.known :],
        events=np.bincount(world.item, minlength=world.known)[: world.known].astype(np.int32),
        kin=kin,
        stand_ins=cold.stand_ins(kin, texts, near, ~heard) if kin is not None else None,
    )
    algorithm: Single = "item_neighbours" if config.algorithm == "auto" or config.algorithm == "blend" else config.algorithm
    return scored_by(algorithm, whole, world, _within(step, 70, 100, algorithm), served)


def pictures(vectors: Iterable[tuple[str, bytes]], place: dict[str, int], k: int) -> Lists | None:
    """The neighbours of every item by the cosine of its picture's vector; None where there are no vectors."""
    found = [(place[item_id], np.frombuffer(vector, "<f4")) for item_id, vector in vectors if item_id in place]
    if not found:
        return None
    known = np.array([where for where, _ in found])
    rows = np.stack([vector for _, vector in found]).astype(np.float32)  # (pictures, dimensions)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    k = min(k, max(len(rows) - 1, 1))
    indices = np.full((len(place), k), -1, np.int32)
    values = np.zeros((len(place), k), np.float32)
    for start in range(0, len(rows), BLOCK):
        alike = rows[start : start + BLOCK] @ rows.T
        alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = -np.inf
        near, value = best(alike, k)
        indices[known[start : start + BLOCK]] = np.where(near >= 0, known[near], -1)
        values[known[start : start + BLOCK]] = value
    return Lists.of(indices, values)


def _facts(world: World) -> Scores:
    """What the data was like: an event whose item is not in the catalogue cannot help anybody find it."""
    unmatched = float((world.item >= world.known).mean()) if len(world.item) else 0.0
    return {"events_without_item": unmatched, "items": float(world.known), "users": float(len(world.users))}


def _from(step: Step, low: float, high: float) -> Step:
    """Progress from 0 to 100 of a part, as progress between two bounds of the whole."""
    return lambda done, message: step(low + (high - low) * done / STEPS, message)


def _within(step: Step, low: float, high: float, message: str) -> Part:
    return lambda done, total, *said: step(low + (high - low) * done / max(total, 1), ": ".join([message, *said]))
