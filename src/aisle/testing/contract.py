"""What every task must keep, whoever wrote it: each check takes a `Case` and raises AssertionError with what is wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from aisle.errors import AisleError, Cancelled
from aisle.kit.catalogue import Catalogue
from aisle.kit.tiny_data import TinyData
from aisle.kit.vectors import Space
from aisle.task import MEDIA, Answer, Context, Data, Engine, Operation, Scores, Task
from aisle.testing import imports
from aisle.testing.shop import OPENED, variants, world_of
from aisle.types import PastEvent, Reason

LATER = OPENED + 90 * 86_400_000_000  # when the questions are asked
NONSENSE: tuple[Any, ...] = (
    " ",
    "",
    "no such thing",
    "ü\u202e🦊" * 50,
    "x" * 100_000,
    -1,
    0,
    10**12,
    float("nan"),
    None,
    [],
    {},
    [None],
    True,
)
UNSAFE = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill")


@dataclass(frozen=True)
class Case:
    """A task, fitted once on its tiny world."""

    task: Task
    package: str  # "aisle.tasks.recommend"
    data: Data
    config: Any
    folder: Path
    scores: Scores
    progress: list[tuple[float, float, str]]
    engine: Engine

    @staticmethod
    def of(task: Task, where: Path) -> Case:
        """Fit a task into a folder below `where`, and load it."""
        package = package_of(task)
        data, settings = world_of(package)
        config = msgspec.convert(dict(settings), task.config)
        folder, seen = where / "model", list[tuple[float, float, str]]()
        folder.mkdir(parents=True)
        scores = task.fit(data, config, folder, lambda done, total, message: seen.append((done, total, message)))
        return Case(task, package, data, config, folder, scores, seen, task.load(folder))

    def requests(self, operation: Operation) -> list[Any]:
        """Different valid requests of an operation, made from its example."""
        return [msgspec.convert(asked, operation.request) for asked in variants(operation.example)]

    def context(self, operation: Operation, request: Any) -> Context:
        """What the door would fetch for this request, and nothing that was not declared."""
        needs, user = operation.needs, getattr(request, "user_id", None)
        return Context(
            now=LATER,
            events=_recent(self.data, user) if "events" in needs and user else (),
            catalogue=Catalogue(self.data.items()) if "catalogue" in needs else None,
            spaces={name: Space(self.data.vectors(name)) for name in ("text", "image")} if "vectors" in needs else {},
            media=self.media(operation, request),
        )

    def media(self, operation: Operation, request: Any) -> bytes:
        """The file that the request carries or names; no address is ever fetched here."""
        name = next((field for need, field in MEDIA.items() if need in operation.needs), None)
        sent = getattr(request, name) if name else None
        wanted = getattr(sent, "item_id", None)
        if wanted is not None:
            found = next((item for item in self.data.items() if item.item_id == wanted), None)
            return (self.data.picture(found) if found else None) or b""
        return getattr(sent, "base64", None) or b""

    def ask(self, name: str, requests: list[Any], engine: Engine | None = None) -> list[Any]:
        """Answers (or the errors of single requests) of one batch, through prepare, run and finish."""
        used, operation = engine or self.engine, self.task.operations[name]
        prepared = [used.prepare(name, request, self.context(operation, request)) for request in requests]
        results = used.run(name, prepared)
        assert len(results) == len(requests), f"{name}: {len(requests)} requests came back as {len(results)} results"
        return [
            result if isinstance(result, Exception) else used.finish(name, request, result)
            for request, result in zip(requests, results, strict=True)
        ]


def package_of(task: Task) -> str:
    """The package a task's code stands in: the folder in `aisle/tasks`, or an entry point's own top package."""
    parts = type(task).__module__.split(".")
    return ".".join(parts[:3] if parts[:2] == ["aisle", "tasks"] else parts[:1])


def names_are_plain(case: Case) -> None:
    """A task and its operations are lower-case identifiers: they become paths."""
    for name in (case.task.name, *case.task.operations):
        assert name.isidentifier() and name == name.lower(), f"{name!r} cannot be a path: use lower case, digits and _"
    assert isinstance(case.task, Task), "TASK does not have everything that task.Task asks for"


def config_survives_json(case: Case) -> None:
    for config in (case.config, case.task.config()):
        again = msgspec.json.decode(msgspec.json.encode(config), type=case.task.config)
        assert again == config, f"the configuration changes on its way through JSON: {config} -> {again}"


def unknown_setting_is_refused(case: Case) -> None:
    assert _refused({"no_such_setting": 1}, case.task.config), "config accepts unknown keys: set forbid_unknown_fields=True"


def everything_is_described(case: Case) -> None:
    """Settings carry a description, operations a summary, requests and answers a docstring: the docs are made of them."""
    (schema,), parts = msgspec.json.schema_components([case.task.config], ref_template="{name}")
    settings = parts.get(schema.get("$ref", ""), schema).get("properties", {})
    bare = [name for name, setting in settings.items() if not setting.get("description")]
    assert not bare, f"settings without Meta(description=…): {', '.join(bare)}"
    for name, operation in case.task.operations.items():
        assert operation.summary.strip().endswith("."), f"{name}: the summary should be a sentence"
        for kind in (operation.request, operation.answer):
            assert (kind.__doc__ or "").strip(), f"{kind.__name__} has no docstring"


def examples_are_answered(case: Case) -> None:
    for name, operation in case.task.operations.items():
        for answer in case.ask(name, case.requests(operation)):
            assert isinstance(answer, operation.answer), f"{name} answered {answer!r}, not a {operation.answer.__name__}"
            assert isinstance(answer, Answer), f"{operation.answer.__name__} must be an Answer, for its id and cost"
            assert msgspec.json.encode(answer), f"{name}: the answer cannot be written as JSON"
            plain = msgspec.to_builtins(answer)
            assert all(math.isfinite(number) for number in _numbers(plain)), f"{name}: a number is not finite: {plain}"


def unknown_request_field_is_refused(case: Case) -> None:
    for name, operation in case.task.operations.items():
        asked = {**operation.example, "no_such_field": 1}
        assert _refused(asked, operation.request), f"{name} accepts unknown fields: set forbid_unknown_fields=True"


def bad_input_is_our_error(case: Case) -> None:
    """Nonsense in any field is refused while decoding, answered, or an AisleError; nothing else may come out."""
    for name, operation in case.task.operations.items():
        for asked in _broken(operation):
            try:
                request = msgspec.convert(asked, operation.request)
            except msgspec.ValidationError:
                continue
            try:
                answers = case.ask(name, [request])
            except AisleError:
                continue
            fine = isinstance(answers[0], operation.answer | AisleError)
            assert fine, f"{name}({asked}) came to {answers[0]!r}"


def saved_is_loaded(case: Case) -> None:
    """A model folder moved elsewhere answers the same: it is whole, and knows no absolute paths."""
    moved = case.folder.with_name("moved")
    shutil.copytree(case.folder, moved, dirs_exist_ok=True)
    again = case.task.load(moved)
    for name, operation in case.task.operations.items():
        for request in case.requests(operation):
            first, second = case.ask(name, [request]), case.ask(name, [request], again)
            assert _same(first, second), f"{name}: the loaded model answers otherwise:\n{first}\n{second}"


def batch_is_like_single(case: Case) -> None:
    for name, operation in case.task.operations.items():
        requests = case.requests(operation)
        single = [case.ask(name, [request])[0] for request in requests]
        together = case.ask(name, requests)
        assert _same(single, together), f"{name}: in a batch the answers are others:\n{single}\n{together}"


def an_empty_batch_is_no_answer(case: Case) -> None:
    for name in case.task.operations:
        assert list(case.engine.run(name, [])) == [], f"{name}: no requests must have no results"


def answers_have_reasons(case: Case) -> None:
    """Whatever has a place for reasons has reasons, in words, with finite contributions."""
    for name, operation in case.task.operations.items():
        for answer in case.ask(name, case.requests(operation)):
            for owner, reasons in _reasons(answer):
                assert reasons, f"{name}: no reason for {owner}"
                for reason in reasons:
                    assert reason.text.strip() and reason.kind.strip(), f"{name}: an empty reason for {owner}"
                    assert math.isfinite(reason.contribution), f"{name}: a contribution of {reason.contribution}"


def fit_reports_progress(case: Case) -> None:
    assert case.progress, "fit never called progress"
    for done, total, message in case.progress:
        assert 0 <= done <= total and message, f"progress({done}, {total}, {message!r}): 0 ≤ done ≤ total, and say what is done"
    assert case.progress[-1][0] == case.progress[-1][1], "the last progress should say that all is done"


def fit_stops_when_cancelled(case: Case) -> None:
    def stop(done: float, total: float, message: str) -> None:
        raise Cancelled("stopped")

    try:
        case.task.fit(case.data, case.config, _fresh(case, "cancelled"), stop)
    except Cancelled:
        return
    raise AssertionError("fit went on although progress raised Cancelled")


def scores_are_finite(case: Case) -> None:
    assert case.scores, "fit must return quality numbers"
    for name, value in case.scores.items():
        assert isinstance(value, int | float) and math.isfinite(value), f"the score {name} is {value!r}"


def same_data_same_files(case: Case) -> None:
    again = _fresh(case, "again")
    data, _ = world_of(case.package)
    case.task.fit(data, case.config, again, lambda done, total, message: None)
    first, second = _digests(case.folder), _digests(again)
    changed = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    assert not changed, f"the same data and configuration gave other files: {', '.join(changed)}"


def names_of_the_platform_are_free(case: Case) -> None:
    """`card.json` and `config.json` are written when a model is published: a task's own file of that name would be lost."""
    taken = [name for name in ("card.json", "config.json") if (case.folder / name).exists()]
    assert not taken, f"fit wrote {', '.join(taken)}, which publishing writes over: choose another name"


def files_are_safe(case: Case) -> None:
    """No pickle: opening a model must not run code."""
    for file in _files(case.folder):
        assert file.suffix not in UNSAFE, f"{file.name}: models are never pickled"
        head = file.read_bytes()[:512]
        assert not head.startswith(b"\x80"), f"{file.name} looks like a pickle"
        assert not (head.startswith(b"\x93NUMPY") and b"'|O'" in head), f"{file.name} holds pickled objects"


def an_empty_shop_is_said_or_survived(case: Case) -> None:
    empty, folder = TinyData(), _fresh(case, "empty")
    try:
        case.task.fit(empty, case.config, folder, lambda done, total, message: None)
    except AisleError as error:
        detail = error.detail
    else:
        detail = "fitted"
    assert detail, "an error must say what to do"


def evaluation_has_rows(case: Case) -> None:
    rows = case.task.evaluate(case.data, case.config, "", lambda done, total, message: None)
    assert rows and all(row.get("model") for row in rows), f"evaluate must return rows with a model each: {rows}"
    try:
        case.task.evaluate(case.data, case.config, "no such protocol", lambda done, total, message: None)
    except AisleError:
        return
    raise AssertionError("evaluate accepted a protocol that does not exist")


def importing_is_cheap(case: Case) -> None:
    root = importlib.import_module("aisle.tasks")
    heavy = imports.loaded_by(case.package, root.__path__)
    assert not heavy, f"import {case.package} loads {', '.join(heavy)}: import them where something is learnt or loaded"


def siblings_are_unknown(case: Case) -> None:
    found = imports.strangers(case.package)
    assert not found, f"a task may import {', '.join(imports.ALLOWED)} of ours and nothing else: {', '.join(found)}"


CHECKS: tuple[Callable[[Case], None], ...] = (
    names_are_plain,
    config_survives_json,
    unknown_setting_is_refused,
    everything_is_described,
    examples_are_answered,
    unknown_request_field_is_refused,
    bad_input_is_our_error,
    saved_is_loaded,
    batch_is_like_single,
    an_empty_batch_is_no_answer,
    answers_have_reasons,
    fit_reports_progress,
    fit_stops_when_cancelled,
    scores_are_finite,
    same_data_same_files,
    names_of_the_platform_are_free,
    files_are_safe,
    an_empty_shop_is_said_or_survived,
    evaluation_has_rows,
    importing_is_cheap,
    siblings_are_unknown,
)


def _recent(data: Data, user: str) -> list[PastEvent]:
    events = data.events()
    if user not in events.users:
        return []
    rows = reversed([row for row, code in enumerate(events.user.tolist()) if code == events.users.index(user)])
    return [PastEvent(events.items[events.item[k]], int(events.type[k]), int(events.time[k]), None, 1) for k in rows]


def _refused(given: Mapping[str, Any], kind: type[Any]) -> bool:
    try:
        msgspec.convert(dict(given), kind)
    except msgspec.ValidationError:
        return True
    return False


def _broken(operation: Operation) -> Iterator[dict[str, Any]]:
    """The example with one field missing, or replaced by nonsense."""
    for name in (field.encode_name for field in msgspec.structs.fields(operation.request)):
        yield {key: value for key, value in operation.example.items() if key != name}
        yield from ({**operation.example, name: nonsense} for nonsense in NONSENSE)


def _same(first: list[Any], second: list[Any]) -> bool:
    """Equal but for what the door fills in and for the last bits of floats, which may depend on the batch's size."""
    return len(first) == len(second) and all(_alike(_plain(a), _plain(b)) for a, b in zip(first, second, strict=True))


def _plain(answer: Any) -> Any:
    return repr(answer) if isinstance(answer, Exception) else msgspec.to_builtins(answer)


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-6)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_alike(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _numbers(inner)


def _reasons(value: Any) -> Iterator[tuple[Any, list[Reason]]]:
    """Every (owner, its reasons) inside an answer."""
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _reasons(inner)
    elif isinstance(value, msgspec.Struct) or dataclasses.is_dataclass(value):
        names = getattr(value, "__struct_fields__", None) or [field.name for field in dataclasses.fields(value)]  # type: ignore[arg-type]
        for name in names:
            inner = getattr(value, name)
            if name == "reasons":
                yield value, inner
            else:
                yield from _reasons(inner)


def _fresh(case: Case, name: str) -> Path:
    folder = case.folder.with_name(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _digests(folder: Path) -> dict[str, str]:
    """sha256 of every file but the card, which tells the time."""
    files = [file for file in _files(folder) if file.name != "card.json"]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
