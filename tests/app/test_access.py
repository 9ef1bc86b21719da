"""Keys and limits: shown once, stored hashed, scoped, revoked at once, counted."""

from pathlib import Path

import pytest

from aisle.access import DEFAULT_TENANT, Access
from aisle.errors import BadInput, Forbidden, NotFound, RateLimited, Unauthorized
from aisle.storage.database import Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "aisle.db"


@pytest.fixture
def access(path: Path) -> Access:
    return Access(Database(f"sqlite:///{path}"), rate_limit=5)


def test_a_key_opens_what_its_scopes_say(access: Access) -> None:
    _, secret = access.create(DEFAULT_TENANT, "web", ["read"])
    who = access.identify(secret)
    access.require(who, "read")
    for scope in ("write", "admin"):
        with pytest.raises(Forbidden, match=scope):
            access.require(who, scope)


def test_admin_may_read_and_write(access: Access) -> None:
    who = access.identify(access.create(DEFAULT_TENANT, "boss", ["admin"])[1])
    for scope in ("read", "write", "admin"):
        access.require(who, scope)


def test_the_secret_is_not_stored(access: Access, path: Path) -> None:
    _, secret = access.create(DEFAULT_TENANT, "web", ["read"])
    middle = secret.split("_", 1)[1][:20].encode()
    stored = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert middle not in stored


@pytest.mark.parametrize(
    "bearer", [None, "", "nonsense", "sk-aisle-", "sk-aisle-aaaaaaaa_x", "sk-aisle-aaaaaaaa_" + "x" * 10_000]
)
def test_anything_but_a_key_is_refused(access: Access, bearer: str | None) -> None:
    with pytest.raises(Unauthorized, match="aisle keys create"):
        access.identify(bearer)


def test_a_key_with_one_wrong_character_is_refused(access: Access) -> None:
    _, secret = access.create(DEFAULT_TENANT, "web", ["read"])
    wrong = secret[:-8] + ("a" if secret[-8] != "a" else "b") + secret[-7:]
    with pytest.raises(Unauthorized):
        access.identify(wrong)


def test_a_revoked_key_opens_nothing_from_that_moment(access: Access) -> None:
    key, secret = access.create(DEFAULT_TENANT, "web", ["read"])
    access.identify(secret)
    access.revoke(DEFAULT_TENANT, key.id)
    with pytest.raises(Unauthorized):
        access.identify(secret)


def test_an_expired_key_opens_nothing(access: Access) -> None:
    _, secret = access.create(DEFAULT_TENANT, "web", ["read"], expires_at=1)
    with pytest.raises(Unauthorized):
        access.identify(secret)


def test_another_tenant_cannot_revoke_a_key(access: Access) -> None:
    key, secret = access.create(DEFAULT_TENANT, "web", ["read"])
    with pytest.raises(NotFound):
        access.revoke(2, key.id)
    assert access.identify(secret).tenant == DEFAULT_TENANT


def test_unknown_scopes_are_refused(access: Access) -> None:
    with pytest.raises(BadInput, match="root"):
        access.create(DEFAULT_TENANT, "web", ["root"])
    with pytest.raises(BadInput):
        access.create(DEFAULT_TENANT, "web", [])


def test_a_key_that_asks_too_often_is_told_when_to_come_back(access: Access) -> None:
    who = access.identify(access.create(DEFAULT_TENANT, "web", ["read"])[1])
    left = [access.spend(who).remaining for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        access.spend(who)
    assert 0 < refused.value.retry_after <= 60


def test_one_keys_limit_is_not_anothers(access: Access) -> None:
    first, second = (access.identify(access.create(DEFAULT_TENANT, name, ["read"])[1]) for name in "ab")
    for _ in range(5):
        access.spend(first)
    assert access.spend(second).remaining == 4


def test_when_a_key_was_last_used_is_written_down(access: Access) -> None:
    key, secret = access.create(DEFAULT_TENANT, "web", ["read"])
    access.identify(secret)
    access.flush()
    assert access.get(DEFAULT_TENANT, key.id).last_used_at is not None


def test_pseudonyms_are_stable_and_differ_between_shops(tmp_path: Path, access: Access) -> None:
    other = Access(Database(f"sqlite:///{tmp_path / 'other.db'}"), 5)
    mine = access.pseudonym(DEFAULT_TENANT, "Ana@Example.com ")
    assert mine == access.pseudonym(DEFAULT_TENANT, "ana@example.com")
    assert mine != other.pseudonym(DEFAULT_TENANT, "ana@example.com")
    assert "ana" not in mine
