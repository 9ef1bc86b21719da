"""The text models as the platform runs them: prepare, run, finish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aisle.errors import BadInput, NoModel, NotFound
from aisle.kit.sessions import USUAL, Way
from aisle.kit.words import plain
from aisle.task import Answer, Context, Prepared
from aisle.tasks.text import classifiers, encoder, static
from aisle.tasks.text.classifiers import NO_WAYS, Classifier
from aisle.tasks.text.inherit import SENTENCES
from aisle.tasks.text.schema import Classification, Classified, Classify, Embed, Embeddings, Explanation, Label, Token

DECIMALS = 6  # of a vector's numbers: more would only make the answer longer
EXPLAINED = 3.0  # times the cost of a text that is not explained


@dataclass(frozen=True, slots=True)
class Ask:
    """Texts for one classifier."""

    classifier: Classifier
    texts: list[str]
    explain: bool


class TextEngine:
    """A sentence embedding and named classifiers."""

    def __init__(self, embedding: static.Embedding, named: Mapping[str, Classifier]) -> None:
        self.embedding = embedding
        self.classifiers = named

    def prepare(self, op: str, request: Any, context: Context) -> Prepared:
        """The texts, spelt one way. Raises BadInput where one says nothing, NotFound for an unknown classifier."""
        texts = _texts(request)
        if op == "embed":
            return Prepared(texts, 1.0 + sum(map(self.embedding.cost, texts)))
        chosen = self._classifier(request.model)
        cost = 1.0 + sum(map(chosen.model.cost, texts))
        explain = request.explain != "none"
        return Prepared(Ask(chosen, texts, explain), cost * EXPLAINED if explain else cost)

    def run(self, op: str, batch: Sequence[Prepared]) -> Sequence[Any]:
        """All texts of a batch for one model go in together."""
        return self._embed(batch) if op == "embed" else self._classify([one.data for one in batch])

    def finish(self, op: str, request: Any, result: Any) -> Answer:
        sent = [request.text] if isinstance(request.text, str) else request.text
        longer = [place for place, text in enumerate(sent) if len(text) > static.LONGEST]
        if op == "embed":
            vectors, tokens = result
            return Embeddings(embeddings=_written(vectors, request.encoding), tokens=int(tokens.sum()), truncated=longer)
        ask, logits = result
        chosen = ask.classifier
        rows = zip(chosen.classify(logits, request.top_k), chosen.known(logits), chosen.paths(logits), strict=True)
        if ask.explain or chosen.spec.multi or longer:
            results = [_classified(ask, place, logits[place], row, place in longer) for place, row in enumerate(rows)]
        else:
            results = [Classified(labels=labels, known=known, path=path) for labels, known, path in rows]
        return Classification(results=results, classifier=chosen.spec.name)

    def _embed(self, batch: Sequence[Prepared]) -> list[Any]:
        texts = [text for one in batch for text in one.data]
        if not texts:
            return []
        vectors, tokens = self.embedding.embed(texts)
        return [(vectors[rows], tokens[rows]) for rows in _parts([len(one.data) for one in batch])]

    def _classify(self, asks: Sequence[Ask]) -> list[Any]:
        found: list[Any] = [None] * len(asks)
        for name in dict.fromkeys(ask.classifier.spec.name for ask in asks):
            own = [place for place, ask in enumerate(asks) if ask.classifier.spec.name == name]
            logits = asks[own[0]].classifier.model.logits([text for place in own for text in asks[place].texts])
            for place, rows in zip(own, _parts([len(asks[place].texts) for place in own]), strict=True):
                found[place] = (asks[place], logits[rows])
        return found

    def _classifier(self, name: str | None) -> Classifier:
        if name is None and self.classifiers:
            return next(iter(self.classifiers.values()))
        if name is not None and name in self.classifiers:
            return self.classifiers[name]
        if not self.classifiers:
            raise NoModel(
                "text has no classifier yet: import labelled texts (`aisle import texts FILE`) and run `aisle train text`"
            )
        known = ", ".join(self.classifiers)
        raise NotFound(f"there is no classifier {name!r}: choose one of {known}, or train it from a column", param="/model")


def load(folder: Path, ways: Mapping[str, Way] = NO_WAYS) -> TextEngine:
    """Open a trained model, or the starter. `ways`: how networks are run, by their file in the folder."""
    table = static.load(folder / "embedding")
    sentences = encoder.load_sentences(folder / SENTENCES, ways.get(f"{SENTENCES}/{encoder.MODEL}", USUAL))
    return TextEngine(sentences or table, classifiers.load(folder, table, ways))


def _texts(request: Embed | Classify) -> list[str]:
    single = isinstance(request.text, str)
    texts = [plain(text[: static.LONGEST]) for text in ([request.text] if isinstance(request.text, str) else request.text)]
    for place, text in enumerate(texts):
        if not text or text.isspace():
            raise BadInput("a text is empty: leave it out", param="/text" if single else f"/text/{place}")
    return texts


def _parts(sizes: Sequence[int]) -> Iterator[slice]:
    """Where each of several stretches lies, one behind the other."""
    stop = 0
    for size in sizes:
        start, stop = stop, stop + size
        yield slice(start, stop)


def _written(vectors: Any, encoding: str) -> Any:
    """(texts, dimensions) as numbers, or as bytes, which the answer's encoder writes as base64."""
    if encoding == "base64":
        whole, size = np.ascontiguousarray(vectors, "<f4").tobytes(), 4 * vectors.shape[1]
        return [whole[start : start + size] for start in range(0, len(whole), size)]
    return np.round(vectors.astype(np.float64), DECIMALS).tolist()


def _classified(
    ask: Ask, place: int, logits: Any, found: tuple[list[Label], bool, list[Label] | None], truncated: bool
) -> Classified:
    chosen, (labels, known, path) = ask.classifier, found
    explanation = None
    if ask.explain:
        pieces, bias = chosen.model.explain(ask.texts[place], chosen.spec.labels.index(labels[0].label))
        tokens = [Token(ask.texts[place][start:stop], contribution) for start, stop, contribution in pieces]
        method: Any = "occlusion" if chosen.spec.kind == "encoder" else "exact"
        explanation = Explanation(label=labels[0].label, method=method, bias=bias, tokens=tokens)
    return Classified(
        labels=labels,
        known=known,
        path=path,
        assigned=chosen.assigned(logits) if chosen.spec.multi else None,
        explanation=explanation,
        truncated=truncated,
    )
