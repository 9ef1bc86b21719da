"""What may be asked about a picture, what is answered, and what may be tuned."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from aisle.task import Answer
from aisle.types import Picture, Reason

Explain = Literal["none", "brief", "full"]
NetworkName = Literal["mobilenet_v2", "resnet18", "resnet34", "resnet50", "inception_v3"]

Sent = Annotated[
    Picture, Meta(description="The picture: base64, an item_id whose picture is meant, or a url; or form field `image`.")
]
Count = Annotated[int, Meta(ge=1, le=1000, description="How many labels at most, likeliest first.")]
How = Annotated[
    Explain,
    Meta(description="brief: the strongest reasons; full: every reason, heat maps and the nearest training pictures; none."),
]
Corner = Annotated[float, Meta(ge=0, le=1e6)]
Region = Annotated[
    tuple[Corner, Corner, Corner, Corner],
    Meta(description="Look at this part only: x0, y0, x1, y1 in pixels of the upright picture, as `detect` answers them."),
]


class Classify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What kind of thing is in the picture."""

    image: Sent
    box: Region | None = None
    n: Count = 5
    explain: How = "brief"


class Describe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Its attributes: colour, pattern, material … as the shop's own catalogue has them."""

    image: Sent
    box: Region | None = None
    n: Count = 3
    explain: How = "brief"


class Detect(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where things are, several in one picture."""

    image: Sent
    n: Annotated[int, Meta(ge=1, le=100, description="How many objects at most, surest first.")] = 20
    threshold: Annotated[float, Meta(ge=0.0, le=1.0, description="Objects less probable than this are left out.")] = 0.3
    classify: Annotated[bool, Meta(description="Also say what each object is in the shop's own categories.")] = False


class Embed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The picture as a vector: what looks alike lies close (cosine)."""

    image: Sent
    box: Region | None = None


class Label(Struct, frozen=True, gc=False):
    """A label and how probable it is, calibrated on pictures that were not trained on."""

    label: str
    probability: float
    logit: float  # before the softmax and its temperature; the reasons of the first label add up to it


class HeatMap(Struct, frozen=True):
    """Where a label is seen: a PNG to lay over the picture, warm for it and cold against it."""

    label: str
    of: str  # "category" or an attribute's name
    png: bytes  # JSON carries it base64-encoded
    box: tuple[float, float, float, float]  # the part of the picture that it covers, in pixels


class Example(Struct, frozen=True, gc=False):
    """A picture that was trained on and lies close to this one."""

    picture_id: str  # an item's id, or a sample's
    label: str
    similarity: float  # cosine


class Seen(Answer, kw_only=True):
    """Labels of a head, likeliest first, and whether the model knows such things at all."""

    labels: list[Label]
    known: bool = True  # false: unlike anything it learnt, or a picture of nothing
    familiarity: float = 1.0  # share of held-out pictures of known things that look as strange as this one, or stranger
    reasons: list[Reason] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    heat_maps: list[HeatMap] = field(default_factory=list)


class Described(Answer, kw_only=True):
    """For every attribute the likeliest values."""

    attributes: dict[str, list[Label]]
    known: bool = True
    familiarity: float = 1.0
    reasons: list[Reason] = field(default_factory=list)
    heat_maps: list[HeatMap] = field(default_factory=list)


class Object(Struct, frozen=True, omit_defaults=True):
    """One thing found."""

    label: str
    probability: float
    box: tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels of the upright picture
    by: str  # detector: a network's finding; background: what stands out from a plain background
    categories: list[Label] | None = None  # with `classify`


class Detected(Answer, kw_only=True):
    """The objects found, surest first, and the size of the picture that boxes refer to."""

    objects: list[Object]
    width: int
    height: int


class Embedded(Answer, kw_only=True):
    """A vector of length one."""

    embedding: list[float]
    space: str = "image"


Share = Annotated[float, Meta(ge=0, le=1)]


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to learn from the shop's pictures; the defaults need no torch and take seconds."""

    training: Annotated[
        Literal["head", "full"],
        Meta(description="head: softmax heads on the starter's features; full: the whole network (needs the train extra)."),
    ] = "head"
    network: Annotated[
        NetworkName,
        Meta(description="full: which network; mobilenet_v2 starts from the features that come along, others from nothing."),
    ] = "mobilenet_v2"
    networks: Annotated[
        int,
        Meta(ge=1, le=5, description="full: how many are trained and answer together: better, and as many times the work."),
    ] = 1
    base: Annotated[
        str,
        Meta(
            max_length=1000,
            description="head: a model's folder whose network is used instead of the starter's, as one that was pulled.",
        ),
    ] = ""
    side: Annotated[int, Meta(ge=64, le=512, multiple_of=32, description="Pixels of the square that the network sees.")] = 224
    most_labels: Annotated[int, Meta(ge=2, le=5000, description="An attribute with more values than this is not learnt.")] = 500
    least_pictures: Annotated[
        int, Meta(ge=1, le=1000, description="A label with fewer pictures than this is not learnt, and said in the report.")
    ] = 3
    balance: Annotated[
        Share,
        Meta(
            description="head: 0 every picture counts alike, 1 every label does, however rare; between, a power of its frequency."
        ),
    ] = 0.25
    decay: Annotated[
        float, Meta(ge=0, le=10, description="Weight decay of the heads; 0 chooses it for each head on held-out pictures.")
    ] = 0.0
    reject: Annotated[
        Share,
        Meta(description="The share of pictures of known things that may be called unknown: the price of finding strangers."),
    ] = 0.05
    examples: Annotated[
        int, Meta(ge=0, le=100_000, description="Training pictures kept as examples (vectors, never pixels).")
    ] = 5000
    epochs: Annotated[int, Meta(ge=1, le=1000, description="full: passes over the pictures.")] = 12
    frozen: Annotated[
        int, Meta(ge=0, le=18, description="full: first blocks that stay as they are; 0 where nothing is learnt yet.")
    ] = 0
    batch: Annotated[int, Meta(ge=2, le=1024, description="full: pictures in a step.")] = 32
    learning_rate: Annotated[float, Meta(gt=0, le=1, description="full: of AdamW at its highest.")] = 4e-4
    smoothing: Annotated[float, Meta(ge=0, lt=1, description="full: label smoothing.")] = 0.1
    mixup: Annotated[float, Meta(ge=0, le=5, description="full: α of mixup, which takes turns with CutMix; 0: neither.")] = 0.0
    patience: Annotated[int, Meta(ge=1, le=1000, description="full: epochs without a better result before it stops.")] = 12
    mirror: Annotated[
        bool, Meta(description="full: look at a picture and at its mirror image: a little better, twice the work of an answer.")
    ] = True
    bf16: Annotated[bool, Meta(description="full: half-width numbers where they are faster.")] = True
    seed: Annotated[int, Meta(ge=0, le=2**31, description="Of everything random.")] = 0
