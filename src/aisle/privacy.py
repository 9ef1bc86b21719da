"""A person's rights over their data: see it all, and have it erased with a receipt."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from aisle.storage.database import Database
from aisle.storage.events import Events
from aisle.storage.journal import Erasure, Journal
from aisle.storage.media import Media
from aisle.storage.samples import Samples

Retrain = Callable[[int], tuple[list[str], list[str]]]
"""Given a tenant, queue the retraining of its models; returns (versions that had learnt, jobs queued)."""


class Receipt(Struct, frozen=True):
    """Proof of an erasure. `subject` is a keyed hash: it shows nobody who the person was, and lets the shop check a claim."""

    receipt_id: str
    subject: str
    events_deleted: int
    samples_deleted: int  # labelled texts, pictures and recordings of theirs
    models: list[str]  # versions that had learnt from the person
    retraining_jobs: list[str]  # what replaces them
    erased_at: int  # microseconds UTC


class Privacy:
    """Export and erasure."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        events: Events,
        samples: Samples,
        media: Media,
        secret: Callable[[int], bytes],
        retrain: Retrain,
    ) -> None:
        self._db = database
        self._journal = journal
        self._events = events
        self._samples = samples
        self._media = media
        self._secret = secret
        self._retrain = retrain

    def export(self, tenant: int, user_id: str) -> dict[str, Any]:
        """Everything stored about a user, ready for JSON; an unknown user has no events."""
        events = [msgspec.to_builtins(event) for event in self._events.of_user(tenant, user_id)]
        samples = [msgspec.to_builtins(sample) for sample in self._samples.of_user(tenant, user_id)]
        return {"user_id": user_id, "events": events, "samples": samples}

    def erase(self, tenant: int, user_id: str) -> Receipt:
        """Delete a user's events and samples now and replace every model that learnt from them. Asking again is harmless."""
        wanted = Erasure(f"erase_{secrets.token_hex(8)}", tenant, self._subject(tenant, user_id), time.time_ns() // 1000)
        self._journal.add(wanted)  # first: a crash from here on is made good by `again`
        return self._carry_out(wanted, [user_id])

    def again(self) -> list[Receipt]:
        """Erase whom the database still knows although the journal has their receipt: after a restored backup, or a crash."""
        known = {receipt for (receipt,) in self._db.rows("erasures_known")}
        missing = [erasure for erasure in self._journal if erasure.receipt_id not in known]
        people = {tenant: self._people(tenant) for tenant in {erasure.tenant for erasure in missing}}
        return [self._carry_out(one, [user for user in [people[one.tenant].get(one.subject)] if user]) for one in missing]

    def _carry_out(self, wanted: Erasure, users: list[str]) -> Receipt:
        tenant = wanted.tenant
        deleted = sum(self._events.erase(tenant, user) for user in users)
        samples = sum(self._samples_of(tenant, user) for user in users)
        models, jobs = self._retrain(tenant) if deleted or samples else ([], [])
        receipt = Receipt(wanted.receipt_id, wanted.subject, deleted, samples, models, jobs, wanted.erased_at)
        self._db.run(
            "erasures_add", tenant=tenant, receipt_id=receipt.receipt_id, subject=bytes.fromhex(wanted.subject), events=deleted,
            models=",".join(models), job_id=",".join(jobs) or None, created_at=receipt.erased_at,
        )  # fmt: skip
        self._db.settle()
        return receipt

    def _subject(self, tenant: int, user_id: str) -> str:
        return hmac.new(self._secret(tenant), user_id.encode(), sha256).hexdigest()

    def _people(self, tenant: int) -> dict[str, str]:
        """Every user of a tenant by the hash that a receipt has of them."""
        return {self._subject(tenant, user): user for (user,) in self._db.rows("erasures_people", tenant=tenant)}

    def _samples_of(self, tenant: int, user_id: str) -> int:
        """Delete a user's labelled samples, and their files but those that another sample has, too; how many there were."""
        found = self._samples.of_user(tenant, user_id)
        if found:
            self._samples.erase(tenant, user_id)
        theirs = {sample.media for sample in found if sample.media is not None}
        for address in theirs - self._samples.kept(tenant, theirs):
            self._media.remove(tenant, address)
        return len(found)
