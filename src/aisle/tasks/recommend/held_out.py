"""Quality after training, and who serves where `algorithm=auto`: a part of what happened is held out, then asked for.

The questions (`questions`) are those of users who come back, with all that they had done until then (events count at once, so an
old model is asked about a fresh history). Are the items they take up among the ten shown, and how high? Popularity, asked the
same, stands beside it. `aisle evaluate recommend` compares properly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace as changed

from aisle.task import Scores
from aisle.tasks.recommend import blend
from aisle.tasks.recommend.blended import ITEM
from aisle.tasks.recommend.choosing import CANDIDATES, DEFAULT, Entrant, Race, blended_of, race, settings_of
from aisle.tasks.recommend.content import Content
from aisle.tasks.recommend.lists import Lists
from aisle.tasks.recommend.model import Model, Recipe
from aisle.tasks.recommend.newcomers import short_history
from aisle.tasks.recommend.questions import Exam, Kind, exam
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.scoring import limited
from aisle.tasks.recommend.sequence.learn import can_be_trained
from aisle.tasks.recommend.trial import Marks, Trial
from aisle.tasks.recommend.weights import Weights
from aisle.tasks.recommend.world import World

__all__ = ["CANDIDATES", "Found", "measure"]

GAIN = 1.01  # of a blend over the best single algorithm
FEWEST = 5  # users below which no number is given
CHECKING = "checking quality: "
ASKED: dict[Kind, str] = {
    "next": "who came back and took up something new",
    "next_again": "who went on, by their next step, repeats included, as these users are single visits that lead back",
    "later": "by what they took up later",
    "again": "by what they took up later, repeats included",
    "hidden": "a quarter of whose items was hidden, as these events have no order",
}
Step = Callable[[float, str], None]


class Found(NamedTuple):
    """Who serves with which settings, why, and how well."""

    config: Config
    why: str
    scores: Scores
    recipe: Recipe | None = None  # of a blend


def measure(world: World, config: Config, texts: Content, near: Lists, step: Step) -> Found:
    """nDCG@10, recall@10 and coverage of the algorithm and of popularity; of all that were tried, for `auto`, the best of which
    is chosen. Where too few users can be asked, scores are empty and `auto` is the default."""
    auto = config.algorithm == "auto"
    own = changed(config, algorithm=DEFAULT) if auto else config
    blind = blend.blind(blended_of(world, config)) if config.algorithm == "blend" else None
    if not len(world.time) or config.held_out_users == 0:
        return Found(own, "the default: nothing is held out to compare with" if auto else "as set", {}, blind)
    asked = exam(world, Weights.of(config), config.aim, config.held_out_users)
    if len(asked.asked) < FEWEST:
        why = f"the default: only {len(asked.asked)} users can be held out to compare with" if auto else "as set"
        return Found(own, why, {}, blind)
    if config.algorithm == "blend":
        return _blended(asked, own, texts, near, step)
    if not auto:
        return Found(own, "as set", _beside_popularity(asked, own, texts, near, step))
    return _chosen(race(asked, config, texts, near, lambda done, said: step(100 * done, CHECKING + said)), config, asked)


def _blended(asked: Exam, config: Config, texts: Content, near: Lists, step: Step) -> Found:
    """All algorithms as set, under the weights that answer best."""
    base = changed(config, algorithm=DEFAULT)
    trial = Trial.of(asked, base, texts, near, lambda done, said: step(done * 0.4, CHECKING + said))
    step(40, CHECKING + "blend")
    recipe, marks = blend.learn(trial, blended_of(asked.past, config))
    step(90, CHECKING + "popular")
    popular = trial.of_config(changed(config, algorithm="popular")).scores()
    return Found(config, f"as set: {in_words(recipe)}", _with_popularity(marks.scores(), popular, asked), recipe)


def in_words(recipe: Recipe) -> str:
    """ "sequence_neighbours 0.52, ease 0.31, popularity 0.10": what each term has of the weight of all."""
    total = max(sum(recipe.weights), 1e-12)
    names = [*(part.algorithm for part in recipe.parts), *ITEM]
    terms = sorted(zip(recipe.weights, names, strict=True), key=lambda term: -term[0])
    return ", ".join(f"{name} {weight / total:.2f}" for weight, name in terms if weight > 0.005 * total)


def _beside_popularity(asked: Exam, config: Config, texts: Content, near: Lists, step: Step) -> Scores:
    trial = Trial.of(asked, config, texts, near, lambda done, said: step(done * 0.4, CHECKING + said))
    step(40, CHECKING + config.algorithm)
    own = trial.of_config(config).scores()
    step(70, CHECKING + "popular")
    return _with_popularity(own, trial.of_config(changed(config, algorithm="popular")).scores(), asked)


def _with_popularity(own: Scores, popular: Scores, asked: Exam) -> Scores:
    beside = {f"popularity_{metric}": value for metric, value in popular.items()}
    return {**own, **beside, "held_out_users": float(len(asked.asked))}


def _chosen(run: Race, config: Config, asked: Exam) -> Found:
    """The best of the finalists or a blend of them, every algorithm's best number, and the reason in words."""
    winner = run.finalists[0]
    recipe = run.blend[0] if run.blend is not None and clearly_better(run.blend[1], winner.marks) else None
    if recipe is not None and run.blend is not None:
        winner = Entrant(changed(config, algorithm="blend"), run.blend[1])
    settled = at_length(winner.config, config)
    if not config.short_history and winner.name != "popular":
        settled = changed(settled, short_history=short_history(run.trial, _tried(run.trial, winner.config, recipe)))
    recipe = recipe and Recipe([at_length(part, config) for part in recipe.parts], recipe.weights)
    popular = next(one for one in run.finalists if one.name == "popular")
    firsts: dict[str, Entrant] = {}
    mixed = [Entrant(changed(config, algorithm="blend"), run.blend[1])] if run.blend else []
    for one in sorted([*run.finalists, *run.dropped, *mixed], key=lambda one: -one.marks.mean):
        firsts.setdefault(one.name, one)
    left = [one.name for one in run.dropped]
    scores = _with_popularity(winner.marks.scores(), popular.marks.scores(), asked)
    scores |= {f"{one.name} ndcg@10": one.marks.mean for one in firsts.values()}
    said = [f"{one.name} {one.marks.mean:.4f}" for one in firsts.values() if one.name not in left]
    why = f"best of {len(firsts)} by nDCG@10 for {len(asked.asked):,} users {ASKED[asked.kind]}: {', '.join(said)}"
    if left:
        why += f"; left behind on a part: {', '.join(left)}"
    if run.untried:
        why += f"; not tried for want of time or because it does not fit: {', '.join(run.untried)}"
    if not can_be_trained():
        why += " (sequence needs torch: pip install 'aisle[train]')"
    if recipe is not None:
        why += f"; the blend: {in_words(recipe)}"
    if new := settings_of(settled, config):
        why += f"; settings found: {', '.join(f'{name}={value:g}' for name, value in new.items())}"
    return Found(settled, why, scores, recipe)


def _tried(trial: Trial, config: Config, recipe: Recipe | None) -> Model:
    """The model of the trial that was chosen."""
    if recipe is None:
        return trial.learnt(config)
    return blend.blended_model(trial.base, [trial.learnt(part) for part in recipe.parts], recipe.weights)


def at_length(chosen: Config, config: Config) -> Config:
    """What was chosen as it learns from everything: a network for `auto_seconds`, where its trial had what the others left."""
    return limited(config, "sequence", config.auto_seconds) if chosen.algorithm == "sequence" else chosen


def clearly_better(mixed: Marks, single: Marks) -> bool:
    """Whether a blend is worth several times the work: one per cent, and more than a standard error of the difference."""
    apart = mixed.ndcg - single.ndcg
    return mixed.mean > GAIN * single.mean and bool(apart.mean() > apart.std() / max(len(apart), 1) ** 0.5)
