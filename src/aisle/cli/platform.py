"""`aisle keys`, `usage`, `jobs` and `bench`."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from aisle.access import DEFAULT_TENANT, OWNER
from aisle.app import App
from aisle.cli import show
from aisle.cli.learning import decoded
from aisle.embedded import Shop
from aisle.errors import BadInput, NotFound
from aisle.settings import load
from aisle.times import to_iso


def keys(given: argparse.Namespace) -> None:
    app = App(load(home=given.home))
    if given.action == "create":
        key, secret = app.access.create(DEFAULT_TENANT, given.name or "unnamed", [s.strip() for s in given.scopes.split(",")])
        app.note(OWNER, "key.created", key.id)
        if given.json:
            show.json({**msgspec.to_builtins(key), "value": secret})
        else:
            show.line(secret)
            sys.stderr.write(f"key {key.id} ({', '.join(key.scopes)}): it is shown this once, keep it safe\n")
    elif given.action == "revoke":
        if not given.key_id:
            raise BadInput("say which key: `aisle keys list` shows them, `aisle keys revoke KEY` ends one")
        app.access.revoke(DEFAULT_TENANT, given.key_id)
        app.note(OWNER, "key.revoked", given.key_id)
        show.line(f"key {given.key_id} opens nothing any more")
    else:
        rows = [msgspec.to_builtins(key) for key in app.access.list(DEFAULT_TENANT)[0]]
        for row in rows:
            for name in ("created_at", "expires_at", "revoked_at", "last_used_at"):
                row[name] = to_iso(row[name])[:19] if row[name] else None
        show.json(rows) if given.json else show.table(rows)


def rules(given: argparse.Namespace) -> None:
    with Shop(given.home) as shop:
        if given.action == "list":
            found = shop.app.live.rules(DEFAULT_TENANT).rules
            show.json(found) if given.json else show.table(
                {
                    "rule": rule.rule_id,
                    "action": rule.action,
                    "note": rule.note,
                    "items": msgspec.json.encode(rule.items).decode(),
                }
                for rule in found
            )
        elif given.action == "put":
            said = decoded(given.what or "[]")
            shop.put_rules(said if isinstance(said, list) else [said])
            show.line("they count from the next answer on")
        elif not given.what or not shop.remove_rule(given.what):
            raise NotFound(f"there is no rule {given.what!r}: see `aisle rules`")
        else:
            show.line(f"{given.what} is gone")


def usage(given: argparse.Namespace) -> None:
    app = App(load(home=given.home))
    buckets = app.usage.report(DEFAULT_TENANT, int(time.time()) - given.days * 86_400, None, given.width, ("task", "operation"))
    if given.json:
        show.json(buckets)
        return
    show.table(
        {
            "from": to_iso(bucket.start_time * 1_000_000)[:16], "operation": f"{result.task}.{result.operation}",
            "requests": result.num_model_requests, "errors": result.num_errors, "cpu_s": result.cpu_seconds,
            "mean_ms": result.mean_latency_ms, "p50_ms": result.p50_latency_ms, "p95_ms": result.p95_latency_ms,
            "p99_ms": result.p99_latency_ms, "joules_estimated": result.energy_joules,
        }
        for bucket in buckets for result in bucket.results
    )  # fmt: skip


def jobs(given: argparse.Namespace) -> None:
    app = App(load(home=given.home))
    if given.action == "list":
        found = app.jobs.list(DEFAULT_TENANT, 50)
        rows = [
            {"job": job.job_id, "kind": job.kind, "status": job.status, "created_at": to_iso(job.created_at)[:19]}
            for job in found
        ]
        show.json(found) if given.json else show.table(rows)
        return
    if not given.job_id:
        raise BadInput(f"say which job: aisle jobs {given.action} JOB")
    if given.action == "cancel":
        app.jobs.cancel(DEFAULT_TENANT, given.job_id)
        show.line(f"{given.job_id} is cancelled")
        return
    show.json({"job": app.jobs.get(DEFAULT_TENANT, given.job_id), "events": app.jobs.events(DEFAULT_TENANT, given.job_id)})


def bench(given: argparse.Namespace) -> int:
    """`python -m bench NAME …`, whatever folder one is in."""
    folder = Path(__file__).resolve().parents[3] / "bench"
    if not (folder / "__main__.py").exists():
        raise NotFound("the measurements come with the source, not with the package: run `aisle bench` from a clone")
    arguments = [given.name, *given.arguments] if given.name else ["--list"]
    return subprocess.run([sys.executable, "-m", "bench", *arguments], cwd=folder.parent, check=False).returncode
