"""Usage: nothing counted is lost, buckets add up, groups separate."""

import random
import threading
from pathlib import Path

import pytest

from aisle.errors import BadInput, StorageFailed
from aisle.storage.database import Database
from aisle.usage import MINUTE, WATTS_PER_CORE, UsageMeter, floor_of, step_of

HOUR = 3600


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'aisle.db'}")


def slot(minute: int, key: str = "k", operation: str = "for_user") -> tuple[int, int, str, str, str, str]:
    return (1, minute * MINUTE, key, "recommend", operation, "recommend@1")


def test_requests_of_a_minute_are_added_across_flushes(database: Database) -> None:
    meter = UsageMeter(database)
    for _ in range(3):
        meter.add(slot(60), failed=False, cpu_us=1000, latency_us=4000)
        meter.flush()
    meter.add(slot(60), failed=True, cpu_us=0, latency_us=0)
    (bucket,) = meter.report(1, 0, 10 * HOUR, "1h")
    (result,) = bucket.results
    assert (bucket.start_time, bucket.end_time) == (HOUR, 2 * HOUR)
    assert (result.num_model_requests, result.num_errors) == (4, 1)
    assert result.cpu_seconds == pytest.approx(0.003)
    assert result.mean_latency_ms == pytest.approx(3.0)
    assert result.energy_joules == pytest.approx(0.003 * WATTS_PER_CORE)


def test_groups_separate_and_sum_to_the_whole(database: Database) -> None:
    meter = UsageMeter(database)
    for key in ("a", "a", "b"):
        meter.add(slot(1, key), failed=False, cpu_us=1, latency_us=1)
    (bucket,) = meter.report(1, 0, HOUR, "1d", ("key_id",))
    assert {result.key_id: result.num_model_requests for result in bucket.results} == {"a": 2, "b": 1}


def test_a_failed_flush_keeps_the_counts(database: Database, tmp_path: Path) -> None:
    meter = UsageMeter(database)
    meter.add(slot(1), failed=False, cpu_us=1, latency_us=1)
    with database.transaction() as tx:
        tx._connection.execute("alter table usage rename to hidden")
    with pytest.raises(StorageFailed):
        meter.flush()
    with database.transaction() as tx:
        tx._connection.execute("alter table hidden rename to usage")
    meter.add(slot(1), failed=False, cpu_us=1, latency_us=1)
    (bucket,) = meter.report(1, 0, HOUR, "1h")
    assert bucket.results[0].num_model_requests == 2


def test_unknown_widths_and_groups_are_refused(database: Database) -> None:
    with pytest.raises(BadInput, match="bucket_width"):
        UsageMeter(database).report(1, width="1y")
    with pytest.raises(BadInput, match="shoe_size"):
        UsageMeter(database).report(1, group_by=("shoe_size",))


def test_other_tenants_use_is_not_shown(database: Database) -> None:
    meter = UsageMeter(database)
    meter.add(slot(1), failed=False, cpu_us=1, latency_us=1)
    assert meter.report(2, 0, HOUR) == []


def test_what_is_written_down_is_told_once(database: Database) -> None:
    told: list[tuple[str, str, list[int]]] = []
    meter = UsageMeter(database, lambda *said: told.append(said))
    meter.add(slot(1), failed=True, cpu_us=5, latency_us=7)
    meter.flush()
    meter.flush()
    assert told == [("recommend", "for_user", [1, 1, 5, 7])]


def test_counting_while_writing_loses_nothing(database: Database) -> None:
    meter = UsageMeter(database)
    counter = threading.Thread(target=lambda: [meter.add(slot(1), failed=False, cpu_us=1, latency_us=1) for _ in range(20_000)])
    counter.start()
    while counter.is_alive():
        meter.flush()
    (bucket,) = meter.report(1, 0, HOUR, "1h")
    assert bucket.results[0].num_model_requests == 20_000


@pytest.mark.parametrize("latency", [*range(40), 99, 1000, 123_456, 10**9])
def test_a_time_lies_in_its_step_and_a_step_is_a_fourth_of_a_doubling_wide(latency: int) -> None:
    low, high = floor_of(step_of(latency)), floor_of(step_of(latency) + 1)
    assert low <= latency < high
    assert high - low <= max(1, low / 4)


def test_percentiles_are_those_of_the_times_to_within_a_step(database: Database) -> None:
    meter, rng = UsageMeter(database), random.Random(3)
    times = sorted(int(rng.lognormvariate(8, 1)) for _ in range(5000))
    for number, latency in enumerate(rng.sample(times, len(times))):
        meter.add(slot(number % 3), failed=False, cpu_us=1, latency_us=latency)
        if number % 700 == 0:
            meter.flush()
    (bucket,) = meter.report(1, 0, HOUR, "1h")
    (result,) = bucket.results
    for share, found in ((0.5, result.p50_latency_ms), (0.95, result.p95_latency_ms), (0.99, result.p99_latency_ms)):
        assert found * 1000 == pytest.approx(times[int(share * len(times))], rel=0.1)
    assert UsageMeter(database).report(1, 0, HOUR, "1m", ("key_id",))[2].results[0].p50_latency_ms > 0


def test_use_from_before_times_were_kept_has_no_percentiles(database: Database) -> None:
    with database.transaction() as tx:
        tx.bulk("usage_add", [(*slot(1), 5, 0, 5, 5000)])
    (bucket,) = UsageMeter(database).report(1, 0, HOUR, "1h")
    assert (bucket.results[0].mean_latency_ms, bucket.results[0].p99_latency_ms) == (1.0, 0.0)
