"""The contract between the platform and the AI tasks, and how tasks are found.

A task is a folder in `aisle/tasks` (or an entry point in the group "aisle.tasks") whose package has a `TASK` object that
satisfies `Task`. Adding one is adding the folder; nothing else changes.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from msgspec import Struct

from aisle.errors import NotFound
from aisle.types import Choice, EventColumns, Item, PastEvent, RuleSet, Sample, SampleKind

if TYPE_CHECKING:
    from aisle.kit.catalogue import Catalogue
    from aisle.kit.sessions import Way
    from aisle.kit.vectors import Space

Need = Literal["events", "catalogue", "vectors", "rules", "picture", "sound"]
MEDIA: Mapping[Need, str] = {"picture": "image", "sound": "audio"}  # a need for a file: the field of the request that says which
Scores = dict[str, float]
NO_RULES = RuleSet()
NO_SPACES: Mapping[str, Space] = MappingProxyType({})


class Usage(Struct, omit_defaults=True):
    """What one answer cost. `cpu_ms` is this request's share of the processor time of its batch."""

    cpu_ms: float = 0.0


class Answer(Struct, kw_only=True, omit_defaults=True):
    """What every operation answers; the door fills these in."""

    answer_id: str = ""
    model: str = ""  # "recommend@7"
    usage: Usage | None = None


class Context(Struct, frozen=True, gc=False):
    """What the door fetched for one request because its operation declared that it needs it."""

    now: int = 0  # microseconds UTC
    events: Sequence[PastEvent] = ()  # the user's newest events, newest first
    catalogue: Catalogue | None = None
    spaces: Mapping[str, Space] = NO_SPACES  # vectors of the items: "text", "image"
    rules: RuleSet = NO_RULES  # the merchandisers'
    media: bytes = b""  # the file of the request's `image` (need "picture") or `audio` (need "sound")


class Prepared(Struct, frozen=True):
    """A request made ready for the model. `cost` is what the batcher budgets with (rows, tokens, pixels, frames)."""

    data: Any
    cost: float = 1.0


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a task can be asked: POST /v1/<task>/<name>."""

    request: type[Struct]
    answer: type[Answer]
    example: Mapping[str, Any]  # a request that works on the demo shop; contract tests and `aisle demo --check` send it
    summary: str
    needs: frozenset[Need] = frozenset()
    scope: Literal["read", "write", "admin"] = "read"
    heavy: bool = False  # True: prepare runs in a thread (decoding pictures, sound), not on the event loop
    stream: type[Struct] | None = None  # the request that opens a stream of it; None: it answers whole requests only


class Engine(Protocol):
    """One loaded model: synchronous, no I/O, no platform; it runs in any process."""

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        """Decode, tokenise, look up; raises BadInput or NotFound for this request alone."""

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """The model itself, one result (or Exception) per prepared request, in order."""

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        """Labels and reasons."""


class Stream(Protocol):
    """One caller heard bit by bit. Synchronous, and never used by two threads at once."""

    def push(self, part: Any) -> Sequence[Any]:
        """What became known with this part, in order; each Answer among it ends something that was said (an utterance).

        Raises BadInput for a part that cannot be read.
        """

    def finish(self) -> Answer:
        """The answer on what was not answered yet. Parts pushed afterwards begin anew."""


@runtime_checkable
class Streaming(Protocol):
    """What an engine offers beside `Engine` where an operation declares `stream`."""

    def stream(self, op: str, request: Any, context: Context) -> Stream:
        """A new stream; raises BadInput for this request."""


class Data(Protocol):
    """What a task may read while it learns, and the vectors it may leave for its siblings."""

    def items(self) -> Iterator[Item]: ...
    def events(self) -> EventColumns: ...
    def vectors(self, space: str) -> Iterator[tuple[str, bytes]]: ...
    def write_vectors(self, space: str, rows: Iterable[tuple[str, bytes]]) -> None: ...
    def choices(self) -> Iterator[Choice]:
        """What shoppers did with what the search had shown them, oldest first."""

    def samples(self, kind: SampleKind) -> Iterator[Sample]:
        """What the shop labelled, in the order of ids."""

    def media(self, address: str) -> bytes:
        """The file of a sample. Raises NotFound."""

    def picture(self, item: Item) -> bytes | None:
        """The item's first picture, where it lies in the shop's folder."""


class Progress(Protocol):
    """Called as work goes on; raises Cancelled when somebody stopped the job."""

    def __call__(self, done: float, total: float, message: str) -> None: ...


@runtime_checkable
class Task(Protocol):
    """What a task package offers as `TASK`. Importing it must not import numpy, torch or the server."""

    name: str
    config: type[Struct]
    operations: Mapping[str, Operation]

    def fit(self, data: Data, config: Any, folder: Path, progress: Progress) -> Scores:
        """Learn from rows, write files into `folder`, return quality numbers (model and baselines)."""

    def load(self, folder: Path) -> Engine:
        """Open what `fit` wrote."""

    def evaluate(self, data: Data, config: Any, protocol: str, progress: Progress) -> list[dict[str, Any]]:
        """Quality of this configuration and its rivals on held-out data, one row a model, best first."""


@runtime_checkable
class Adopts(Protocol):
    """A task that can also take a model made elsewhere (`aisle models pull`)."""

    def adopt(self, source: str, folder: Path, progress: Progress) -> Scores:
        """Convert a local folder or hub name into files that `load` opens; returns what was checked, in numbers."""


@runtime_checkable
class Forgets(Protocol):
    """A task whose model can be had without a person, with nothing chosen anew: what an erasure asks for."""

    def forget(self, data: Data, old: Path, folder: Path, progress: Progress) -> bool:
        """Write into `folder` what the model in `old` would be, had it been trained on the rows that `data` still has;
        False where a part of it (a network) is still as it was and has to be trained again."""


@runtime_checkable
class Inherits(Protocol):
    """A task whose new model takes parts of the live one over, before it is trained or pulled."""

    def inherit(self, live: Path, folder: Path, *, learnt: bool) -> list[str]:
        """Copy what was pulled, and where `learnt` also what was learnt from rows; returns the names of these parts."""


def starter_of(task: Task) -> Path | None:
    """The folder of the model that comes with a task: `starter` beside its code, with a card; None where it has none.

    It is laid out as `fit` lays out a model and answers as version 0 until the shop has one of its own.
    """
    folder: Path | None = getattr(task, "starter", None)
    return folder if folder is not None and (folder / "card.json").exists() else None


@dataclass(frozen=True, slots=True)
class Probe:
    """A network of a model, and what is needed to measure ways of running it."""

    file: str  # within the model's folder
    outputs: Sequence[str]
    examples: Sequence[Mapping[str, Any]]  # inputs as at work, one call each: int8 learns its ranges from them
    inputs: Sequence[Mapping[str, Any]]  # others, on which ways are measured and judged
    loss: Callable[[Sequence[Sequence[Any]], Sequence[Sequence[Any]]], float]
    """How much worse answers are: (outputs for every one of `inputs` as they should be, the same in another way) -> 0 … 1."""


@runtime_checkable
class Tunable(Protocol):
    """A task whose networks may be run in the way that is fastest on this machine (`aisle doctor --tune`)."""

    def probes(self, folder: Path, data: Data) -> Sequence[Probe]:
        """The networks of this model, with inputs made of the shop's own rows, or of a made-up world where there are too few."""

    def load_tuned(self, folder: Path, ways: Mapping[str, Way]) -> Engine:
        """`load`, with the networks that are named run in these ways."""


@runtime_checkable
class Reporting(Protocol):
    """A task that can say for people what its `evaluate` found."""

    def summary(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The columns that fit a terminal."""

    def remarks(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """What to be careful about, a sentence each."""

    def page(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """One HTML file that needs nothing else."""


@dataclass(slots=True)
class Registry:
    """The tasks there are, by name."""

    tasks: dict[str, Task] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Task:
        try:
            return self.tasks[name]
        except KeyError:
            raise NotFound(f"there is no task {name!r}: choose one of {', '.join(self.tasks)}") from None

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks.values())

    def operation(self, task: str, name: str) -> Operation:
        operations = self[task].operations
        if name not in operations:
            raise NotFound(f"{task} has no operation {name!r}: choose one of {', '.join(operations)}")
        return operations[name]


def discover(load: Callable[[str], Any] = importlib.import_module) -> Registry:
    """Every task folder, then every installed entry point, in name order."""
    package = importlib.import_module("aisle.tasks")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg)
    found: list[Task] = [load(f"aisle.tasks.{name}").TASK for name in names]
    found += [point.load() for point in importlib.metadata.entry_points(group="aisle.tasks")]
    return Registry({task.name: task for task in found})
