"""Every knob of the platform, read once, here and nowhere else: from `AISLE_*` variables, then the command line.

A task's own knobs stand in its `config` class; these are the platform's.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from aisle.errors import Misconfigured

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[int, Meta(ge=1)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The platform's settings; each may be given as AISLE_<NAME> in the environment."""

    home: str = "./shop"  # the shop's folder: database, models, pictures, keys
    database: str = ""  # empty: SQLite in the home folder; postgresql://… for a cluster
    runtime: str = "local"  # local: engines in threads of this process
    host: str = "127.0.0.1"  # address to listen on; nothing outside this machine can reach the default
    port: Port = 8765
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "EUR"  # for files that do not name one
    history: Annotated[int, Meta(ge=1, le=1000)] = 50  # newest events of a user that an answer may look at
    max_body: Positive = 32 * 1024 * 1024  # bytes of a request's body
    queue: Positive = 1024  # requests that may wait for one model before it answers 503
    batch_cost: Annotated[float, Meta(gt=0)] = 64.0  # most cost (see Prepared.cost) in one batch of an operation
    streams: Positive = 64  # live voices that may be heard at once; one more is answered 503
    timeout_ms: Positive = 10_000  # an answer that takes longer is a 504
    rate_limit: Positive = 60_000  # requests a key may make in a minute
    fetch: bool = False  # pictures in requests may be named by a public address, which the server then asks for
    retrain_hours: Annotated[float, Meta(ge=0)] = 24.0  # a model this old is trained again once rows have changed; 0: never
    retrain_growth: Annotated[float, Meta(ge=0)] = 0.2  # … and sooner, once items or events have grown by this share; 0: never
    keep_personal_data: bool = False  # imported texts keep e-mail addresses, telephone, card and account numbers
    worker: bool = True  # serve starts a worker process for jobs
    log_level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$")] = "info"

    @property
    def folder(self) -> Path:
        return Path(self.home).expanduser()

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.folder / 'aisle.db'}"


def load(environ: Mapping[str, str] | None = None, **given: object) -> Settings:
    """Settings from the environment, overruled by what is given (None means not given)."""
    source = os.environ if environ is None else environ
    known = {field.name for field in msgspec.structs.fields(Settings)}
    said: dict[str, object] = {}
    for name, value in source.items():
        if name.startswith("AISLE_") and not name.startswith("AISLE_TEST_"):  # those are the tests' own, as AISLE_TEST_DATA
            key = name.removeprefix("AISLE_").lower()
            if key not in known:
                raise Misconfigured(
                    f"there is no setting {name}: the settings are {', '.join(sorted('AISLE_' + k.upper() for k in known))}"
                )
            said[key] = value
    said.update({name: value for name, value in given.items() if value is not None})
    try:
        return msgspec.convert(said, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"a setting is not valid: {error}") from None
