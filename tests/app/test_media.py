"""Pictures and sounds of requests, the files of samples, and the fetcher that reaches nothing inside."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aisle import fetch
from aisle.access import DEFAULT_TENANT, OWNER
from aisle.app import App
from aisle.errors import BadInput, Forbidden, NotFound, TooLarge
from aisle.settings import Settings
from aisle.types import Item, Picture, Sample, Sound

PNG = b"\x89PNG not really"


@pytest.fixture
def app(settings: Settings) -> Iterator[App]:
    app = App(settings)
    (settings.folder / "pictures").mkdir()
    (settings.folder / "pictures" / "i.png").write_bytes(PNG)
    app.items.put(DEFAULT_TENANT, [Item(item_id="i", title="I", image_urls=["https://elsewhere/x.png", "/pictures/i.png"])])
    app.items.put(
        DEFAULT_TENANT, [Item(item_id="bare", title="B"), Item(item_id="out", title="O", image_urls=["/pictures/../aisle.db"])]
    )
    yield app
    app.database.close()


def test_a_picture_is_the_bytes_sent_or_the_items_own(app: App) -> None:
    assert app.carried.at_once(Picture(base64=b"x")) == b"x"
    assert app.carried.at_once(Sound(base64=b"x")) == b"x"
    assert app.carried.at_once(Picture(item_id="i")) is None
    assert app.carried.find(DEFAULT_TENANT, Picture(item_id="i")) == PNG


@pytest.mark.parametrize("sent", [Picture(), Picture(base64=b"x", item_id="i"), None])
def test_a_request_without_exactly_one_file_is_refused(app: App, sent: object) -> None:
    with pytest.raises(BadInput):
        app.carried.at_once(sent)


@pytest.mark.parametrize("item_id", ["bare", "nobody", "out"])
def test_an_item_without_a_picture_in_the_folder_is_said(app: App, item_id: str) -> None:
    with pytest.raises(NotFound):
        app.carried.find(DEFAULT_TENANT, Picture(item_id=item_id))


def test_nothing_is_fetched_unless_the_operator_says_so(app: App) -> None:
    with pytest.raises(Forbidden, match="AISLE_FETCH"):
        app.carried.find(DEFAULT_TENANT, Picture(url="https://example.com/a.png"))


@pytest.fixture
def canary() -> Iterator[list[int]]:
    """A listener on this machine that must never be reached: the connections it saw."""
    seen: list[int] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def accept() -> None:
        try:
            while True:
                listener.accept()[0].close()
                seen.append(1)
        except OSError:
            pass

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield seen
    listener.close()
    assert seen == []


INSIDE = [
    "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:7f00:1]/", "http://0/", "http://127.1/", "http://0x7f000001/",
    "http://2130706433/", "http://127。0。0。1/", "http://localhost/", "http://169.254.169.254/latest/", "http://[fd00:ec2::254]/",
    "http://100.64.0.1/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://10.0.0.1/", "http://192.168.0.1/",
    "http://224.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://example.com/", "http://user@example.com/",
    "http://example.com:22/", "http://example.com:8765/", "http:///x", "//example.com", "http://[", "http://exa mple/",
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_no_way_to_write_an_address_leads_inside(url: str, canary: list[int]) -> None:
    with pytest.raises(BadInput):
        fetch.fetch(url, 1000)


def test_public_addresses_are_told_from_private_ones() -> None:
    import ipaddress

    assert fetch.is_public(ipaddress.ip_address("93.184.216.34"))
    assert not fetch.is_public(ipaddress.ip_address("::ffff:10.0.0.1"))


def test_media_keeps_a_file_once_by_its_content(app: App) -> None:
    first, again = app.media.put(DEFAULT_TENANT, PNG, ".PNG"), app.media.put(DEFAULT_TENANT, PNG, ".png")
    assert first == again and first.endswith(".png")
    assert app.media.read(DEFAULT_TENANT, first) == PNG
    with pytest.raises(NotFound):
        app.media.read(DEFAULT_TENANT + 1, first)
    for address in ("../../aisle.db", "", "0" * 64):
        with pytest.raises(NotFound):
            app.media.read(DEFAULT_TENANT, address)


def test_a_persons_samples_are_exported_and_erased_with_their_files(app: App) -> None:
    address = app.media.put(DEFAULT_TENANT, b"sound", ".wav")
    mine = Sample(sample_id="a", kind="recording", media=address, user_id="u", labels={"label": "hello"})
    other = Sample(sample_id="b", kind="text", text="hi", user_id="v")
    app.samples.put(DEFAULT_TENANT, [mine, other])
    assert app.privacy.export(DEFAULT_TENANT, "u")["samples"][0]["sample_id"] == "a"
    receipt = app.privacy.erase(DEFAULT_TENANT, "u")
    assert receipt.samples_deleted == 1
    assert [one.sample_id for kind in ("picture", "recording", "text") for one in app.samples.all(DEFAULT_TENANT, kind)] == ["b"]
    with pytest.raises(NotFound):
        app.media.read(DEFAULT_TENANT, address)


def test_a_file_that_somebody_else_has_too_outlives_an_erasure(app: App) -> None:
    address = app.media.put(DEFAULT_TENANT, b"sound", ".wav")
    one, other = (
        Sample(sample_id=name, kind=kind, media=address, user_id=name) for name, kind in (("u", "recording"), ("v", "picture"))
    )
    app.samples.put(DEFAULT_TENANT, [one, other])
    assert app.privacy.erase(DEFAULT_TENANT, "u").samples_deleted == 1
    assert app.media.read(DEFAULT_TENANT, address) == b"sound"
    app.privacy.erase(DEFAULT_TENANT, "v")
    with pytest.raises(NotFound):
        app.media.read(DEFAULT_TENANT, address)


def test_training_data_gives_samples_files_and_pictures(app: App) -> None:
    app.samples.put(OWNER.tenant, [Sample(sample_id="b", kind="text", text="hi")])
    data = app.data(OWNER.tenant)
    assert [one.text for one in data.samples("text")] == ["hi"]
    assert data.picture(next(item for item in data.items() if item.item_id == "i")) == PNG
    assert data.media(app.media.put(OWNER.tenant, b"x")) == b"x"


def test_too_long_an_answer_is_cut_short() -> None:
    class Answer:
        def read1(self, size: int) -> bytes:
            return b"x" * size

    with pytest.raises(TooLarge):
        fetch._body(Answer(), None, 1000, fetch.time.monotonic() + 5)  # type: ignore[arg-type]


def test_pictures_folder_is_the_only_place_items_point_to(app: App, tmp_path: Path) -> None:
    assert app.media.picture(Item(item_id="x", title="X", image_urls=["/pictures/.hidden", "/pictures/sub/i.png"])) is None
