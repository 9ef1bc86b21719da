"""Puts labelled samples and their files into the shop's tables: reconciled, and the same file again changes nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from msgspec.structs import replace

from aisle.feeds.rows import Reject
from aisle.feeds.samples import KINDS, Labelled, SampleReader
from aisle.jobs.imports import ImportReport, Progress, RejectsFile, count, reconcile
from aisle.kit.personal import masked
from aisle.storage.media import Media
from aisle.storage.samples import Samples
from aisle.types import Sample

BATCH = 500  # samples in one transaction


def import_samples(
    reader: SampleReader,
    kind: str,
    tenant: int,
    samples: Samples,
    media: Media,
    rejects_path: Path,
    progress: Progress,
    *,
    keep_personal: bool = False,
) -> ImportReport:
    """Read to the end. `kind`: pictures, recordings or texts. Each batch is one transaction: send again what broke off.

    Personal data in texts is masked before they are stored, but where `keep_personal`.
    """
    report = ImportReport(format=reader.format)
    rejects_path.unlink(missing_ok=True)
    before, seen, waiting = samples.count(tenant, KINDS[kind]), Counter[str](), list[Sample]()
    with RejectsFile(rejects_path) as rejects:
        for row in reader.samples():
            report.rows += 1
            if isinstance(row, Reject):
                count(report, [row], rejects)
                continue
            seen[row.sample.sample_id] += 1
            sample = _stored(row, tenant, media)
            safe = sample if keep_personal or sample.text is None else replace(sample, text=masked(sample.text))
            report.masked += safe.text != sample.text
            waiting.append(safe)
            if len(waiting) >= BATCH:
                samples.put(tenant, waiting)
                waiting.clear()
                progress(reader.done, reader.total, f"{report.rows:,} {kind}")
        samples.put(tenant, waiting)
        report.rejects_file = str(rejects_path) if rejects.written else None
    progress(reader.total, reader.total, f"{report.rows:,} {kind}")
    report.accepted = samples.count(tenant, KINDS[kind]) - before
    report.duplicates = seen.total() - report.accepted
    reconcile(report)
    return report


def _stored(row: Labelled, tenant: int, media: Media) -> Sample:
    """The sample, its file kept."""
    return row.sample if row.content is None else replace(row.sample, media=media.put(tenant, row.content, row.suffix))
