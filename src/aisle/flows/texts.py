"""What a text says in one answer (label, why, language, rudeness, personal data), and what is said of an item over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from aisle.errors import NoModel, NotFound
from aisle.flows import Door, Flow
from aisle.kit.personal import MASKS, masked
from aisle.task import Answer
from aisle.tasks.text.schema import Classified, Label
from aisle.types import Id, Sample

MOST = 2000  # texts of an item that are looked at, the newest
AT_ONCE = 200  # texts that are classified in one request
LANGUAGES = 3  # that are told
MEASURED = "_held_out"  # how the card of a text model names each of its classifiers
LONG = 92 * 86_400  # seconds: a longer time is told by months
PERIODS = 120  # at most
Name = Annotated[str, Meta(max_length=64)]
Width = Literal["week", "month"]


class Read(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text to be read."""

    text: Annotated[str, Meta(min_length=1, description="A text in any language.")]
    model: Annotated[Name, Meta(description="Which classifier; none: sentiment, or the first there is.")] | None = None


class Personal(Struct, frozen=True):
    """Personal data of one kind."""

    kind: str  # email, phone, card, account, identity, address
    count: int


class TextRead(Answer, kw_only=True, omit_defaults=True):
    """What is known of a text."""

    text: str  # with personal data masked
    personal: list[Personal] = []
    classifiers: list[str] = []  # that may be asked
    classifier: str | None = None  # that was asked
    result: Classified | None = None  # labels, best first, and what each piece of the text as it was sent contributed
    language: list[Label] = []
    unsafe: list[Label] = []


class Sentiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of an item, over time."""

    item_id: Id
    by: Annotated[Width, Meta(description="How long a period is; none: weeks for three months, else months.")] | None = None
    model: Annotated[Name, Meta(description="The classifier for texts that the shop has not labelled.")] = "sentiment"


class Period(Struct, frozen=True):
    """The texts of a week (from Monday) or a month, UTC."""

    start: int  # microseconds UTC
    texts: int
    counts: dict[str, int]  # by label
    mean: float | None  # of labels that are numbers (stars)


class SentimentOverTime(Answer, kw_only=True, omit_defaults=True):
    """Periods one after another, oldest first, also those without a text."""

    item_id: str
    labels: list[str] = []  # in order: numbers by size, others by how often
    periods: list[Period] = []
    by: Width = "month"
    texts: int = 0  # looked at
    judged: int = 0  # of them labelled by the classifier, not by the shop
    unlabelled: int = 0  # of them that nobody labelled, because there is no such classifier
    undated: int = 0  # of them in no period
    mean: float | None = None  # of all
    more: bool = False  # there are older texts


async def read(door: Door, request: Read) -> TextRead:
    """The label with its reasons first; then what comes with every text model."""
    safe = masked(request.text)
    known = classifiers(await door.cards("text"))
    try:
        answer = await door.ask("text", "classify", {"text": request.text, "model": request.model, "explain": "full"})
    except NoModel:
        return TextRead(text=safe, personal=personal(request.text, safe))
    return TextRead(
        text=safe,
        personal=personal(request.text, safe),
        classifiers=known if answer.classifier in known else [*known, answer.classifier],
        classifier=answer.classifier,
        result=answer.results[0],
        language=(await labels(door, "language", known, request.text))[:LANGUAGES],
        unsafe=await labels(door, "unsafe", known, request.text),
    )


def classifiers(cards: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names in the card of the shop's text model and of the one it began as."""
    scores = [name for card in cards for name in card.get("scores", {})]
    return list(dict.fromkeys(name.removesuffix(MEASURED) for name in scores if name.endswith(MEASURED)))


def personal(before: str, after: str) -> list[Personal]:
    """How often each kind was masked."""
    found = {mask: after.count(mask) - before.count(mask) for mask in MASKS.values()}
    return [Personal(mask.strip("[]"), count) for mask, count in found.items() if count > 0]


async def labels(door: Door, name: str, known: Sequence[str], text: str) -> list[Label]:
    """What a classifier says; nothing where there is none of that name."""
    if name not in known:
        return []
    try:
        answer = await door.ask("text", "classify", {"text": text, "model": name})
    except NotFound:
        return []
    found: list[Label] = answer.results[0].labels
    return found


async def sentiment(door: Door, request: Sentiment) -> SentimentOverTime:
    """The shop's own labels where it gave them; the classifier's for the others."""
    texts = await door.texts(request.item_id, MOST + 1)
    texts, more = texts[:MOST], len(texts) > MOST
    told = [label_of(sample, request.model) for sample in texts]
    judged = await judge(door, request.model, [sample for sample, label in zip(texts, told, strict=True) if label is None])
    left = iter(judged)
    given = [label if label is not None else next(left) for label in told]
    dated = [(sample.time, label) for sample, label in zip(texts, given, strict=True) if sample.time and label]
    width = request.by or width_of([at for at, _ in dated])
    names = ordered(Counter(label for label in given if label))
    return SentimentOverTime(
        item_id=request.item_id,
        labels=names,
        periods=periods(dated, names, width),
        by=width,
        texts=len(texts),
        judged=sum(label is not None for label in judged),
        unlabelled=given.count(None),
        undated=sum(not sample.time for sample in texts),
        mean=mean([label for label in given if label]),
        more=more,
    )


def label_of(sample: Sample, name: str) -> str | None:
    """The shop's own label of that name, or its main one where that says stars."""
    label = sample.labels.get(name)
    if label is None and name == "sentiment" and number(sample.labels.get("label")) is not None:
        label = sample.labels["label"]
    return label if isinstance(label, str) else None


async def judge(door: Door, model: str, samples: Sequence[Sample]) -> list[str | None]:
    """The likeliest label of each text; None where there is no such classifier, or the text says nothing."""
    found: list[str | None] = []
    for start in range(0, len(samples), AT_ONCE):
        block = samples[start : start + AT_ONCE]
        texts = [sample.text for sample in block if sample.text]
        try:
            answer = await door.ask("text", "classify", {"text": texts, "model": model})
        except (NoModel, NotFound):
            return [None] * len(samples)
        said = iter(answer.results)
        found += [next(said).labels[0].label if sample.text else None for sample in block]
    return found


def width_of(times: Sequence[int]) -> Width:
    """Weeks where all lies within about three months."""
    return "week" if times and max(times) - min(times) <= LONG * 1_000_000 else "month"


def periods(dated: Sequence[tuple[int, str]], names: Sequence[str], width: Width) -> list[Period]:
    """The newest `PERIODS` of them, without gaps."""
    by_start: dict[datetime, list[str]] = {}
    for at, label in dated:
        by_start.setdefault(start_of(at, width), []).append(label)
    found: list[Period] = []
    start = max(by_start, default=None)
    while start is not None and start >= min(by_start) and len(found) < PERIODS:
        said = by_start.get(start, [])
        counts = Counter(said)
        found.append(Period(_micros(start), len(said), {name: counts[name] for name in names}, mean(said)))
        start = start_of(_micros(start - timedelta(days=1)), width)
    return found[::-1]


def _micros(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000_000


def start_of(micros: int, width: Width) -> datetime:
    """The Monday of a week, or the first of a month."""
    day = datetime.fromtimestamp(micros / 1_000_000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday()) if width == "week" else day.replace(day=1)


def ordered(counts: Counter[str]) -> list[str]:
    """Numbers by size, other labels by how often they are given."""
    if all(number(label) is not None for label in counts):
        return sorted(counts, key=lambda label: (number(label) or 0.0, label))
    return [label for label, _ in counts.most_common()]


def mean(said: Sequence[str]) -> float | None:
    """Of labels that are numbers; None where one is none."""
    numbers = [value for label in said if (value := number(label)) is not None]
    return round(sum(numbers) / len(numbers), 4) if numbers and len(numbers) == len(said) else None


def number(label: str | list[str] | None) -> float | None:
    """A label as a number; None where it is none."""
    return float(label) if isinstance(label, str) and label.isascii() and label.replace(".", "", 1).isdigit() else None


FLOWS = (
    Flow(
        name="text.read",
        path="/v1/text/read",
        request=Read,
        answer=TextRead,
        example={"text": "Broken after a week. Call me: 030 1234567"},
        summary="One text read: its label with the share of each word, language, rudeness, and personal data masked.",
        run=read,
        asks=("text.classify",),
        requires=frozenset({"text"}),
    ),
    Flow(
        name="text.sentiment",
        path="/v1/text/sentiment",
        request=Sentiment,
        answer=SentimentOverTime,
        example={"item_id": "item-0001"},
        summary="What the shop's labelled texts say of an item, week by week or month by month.",
        run=sentiment,
        asks=("text.classify",),
        requires=frozenset({"text"}),
    ),
)
