"""What may be asked of the text models, what they answer, and what may be tuned."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from aisle.task import Answer

MOST_TEXTS = 2048  # in one request, as OpenAI has it
OneText = Annotated[str, Meta(min_length=1, description="A text in any language.")]
Texts = OneText | Annotated[list[OneText], Meta(min_length=1, max_length=MOST_TEXTS)]
Algorithm = Literal["linear", "static", "encoder", "auto"]


class Embed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Texts to be turned into vectors."""

    text: Annotated[Texts, Meta(description="A text, or up to 2,048.")]
    encoding: Annotated[
        Literal["float", "base64"], Meta(description="How vectors are written; base64: little-endian float32, half the bytes.")
    ] = "float"


class Embeddings(Answer, kw_only=True, omit_defaults=True):
    """One vector of length 1 for each text: the dot product of two is their cosine."""

    embeddings: list[list[float] | bytes]  # numbers, or little-endian float32, which is base64 in JSON
    tokens: int  # read in all
    truncated: list[int] = []  # which texts were longer than what is read


class Classify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Texts to be labelled."""

    text: Annotated[Texts, Meta(description="A text, or up to 2,048.")]
    model: (
        Annotated[
            str, Meta(max_length=64, description="Which classifier: sentiment, category, language, or one of the shop's own.")
        ]
        | None
    ) = None
    top_k: Annotated[int, Meta(ge=1, le=1000, description="The likeliest labels that are answered, at most so many.")] = 10
    explain: Annotated[
        Literal["none", "full"],
        Meta(description="full: what each word contributed to the logit of the likeliest label."),
    ] = "none"


class Label(Struct, frozen=True, gc=False):
    """A label and how likely it is; the probability is calibrated on texts that were held out."""

    label: str
    probability: float
    logit: float


class Token(Struct, frozen=True, gc=False):
    """A piece of the text as it was read, and what it contributed to the label's logit."""

    text: str
    contribution: float


class Explanation(Struct, frozen=True, kw_only=True):
    """Why this label. `exact`: bias and contributions add up to the logit; `occlusion`: how the logit falls without the piece."""

    label: str
    method: Literal["exact", "occlusion"]
    bias: float
    tokens: list[Token]  # side by side they are the text as it was read


class Classified(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a text is labelled."""

    labels: list[Label]  # best first, at most `top_k`
    known: bool = True  # false: it seems to belong to none of the labels
    path: list[Label] | None = None  # for labels like "A > B": the best at each level
    assigned: list[str] | None = None  # where a text may have several labels: those more likely than not
    explanation: Explanation | None = None
    truncated: bool = False  # only the beginning was read


class Classification(Answer, kw_only=True, omit_defaults=True):
    """One result for each text."""

    results: list[Classified]
    classifier: str


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that may be tuned, with `aisle train text --set name=value`."""

    algorithm: Annotated[
        Algorithm,
        Meta(
            description="What classifies: linear (takes seconds), static (the static embedding, fine-tuned), encoder (a BERT-type"
            " network, fine-tuned with torch), or auto: all are tried on held-out texts, and what costs more is taken only where"
            " it is better by `worth`."
        ),
    ] = "linear"
    columns: Annotated[
        list[str], Meta(max_length=100, description="Which columns of labels become classifiers; empty: every one that can.")
    ] = []
    strength: Annotated[
        float,
        Meta(ge=0, le=1000, description="C of the linear classifier: less is a stronger penalty; 0: tried on held-out texts."),
    ] = 0.0
    encoder: Annotated[
        str, Meta(max_length=1000, description="For encoder and auto: the network to start from, a folder or a hub's name.")
    ] = ""
    epochs: Annotated[int, Meta(ge=1, le=100, description="For encoder: times each text is learnt from.")] = 3
    batch: Annotated[int, Meta(ge=1, le=1024, description="For encoder: texts a step.")] = 32
    learning_rate: Annotated[float, Meta(gt=0, le=1, description="For encoder: the highest, warmed up to and then falling.")] = (
        5e-5
    )
    dropout: Annotated[
        float,
        Meta(ge=0, lt=1, description="For encoder: the share of numbers left out while it learns; 0 takes a fifth less time."),
    ] = 0.1
    most_texts: Annotated[
        int, Meta(ge=0, description="For encoder: it learns from so many texts at most, drawn at random; 0: from all.")
    ] = 0
    frozen: Annotated[
        int, Meta(ge=0, le=100, description="For encoder: so many of its lowest layers stay as they are, which takes less time.")
    ] = 0
    longest: Annotated[int, Meta(ge=8, le=512, description="For encoder: tokens of a text that are read.")] = 128
    seconds: Annotated[float, Meta(ge=1, le=10_000_000, description="For encoder: fine-tuning ends after so many seconds.")] = (
        3600.0
    )
    int8: Annotated[bool, Meta(description="For encoder: serve in 8 bits where accuracy falls by at most 0.01.")] = True
    reject: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="The share of rightly labelled texts that may be called unknown: the price of finding strangers.",
        ),
    ] = 0.01
    strangers: Annotated[
        str, Meta(max_length=200, description="The label, where the shop has it, of texts that belong to none of the others.")
    ] = "oos"
    worth: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="For auto: how much better, in accuracy, what takes ten times the processor time a text must be, or more;"
            " what takes twice the time, a fifth of it.",
        ),
    ] = 0.01
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1, description="Draws that are not decided by the data.")] = 0
