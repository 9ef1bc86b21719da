"""`aisle demo`: the generated shop, built, served, checked."""

import argparse

from aisle import demo as demo_shop
from aisle.cli import show
from aisle.cli.serving import run_server
from aisle.embedded import Shop
from aisle.settings import Settings, load


def demo(given: argparse.Namespace) -> int:
    settings = load(home=given.home, host=given.host, port=given.port)
    with Shop(settings.home) as shop, show.Bar("demo shop") as bar:
        demo_shop.build(shop, bar)
    if given.build_only:
        show.line(f"the shop is in {settings.folder}; `aisle serve --home {settings.home}` serves it")
        return 0
    key = demo_shop.key(settings)
    if given.check:
        return _check(settings, key)

    def ready(address: str) -> None:
        show.line(f"\n  console  {address}/#key={key}\n  API      {address}/v1   docs {address}/docs\n  key      {key}\n")
        example = f"{address}/v1/recommend/for_user -H 'Authorization: Bearer {key}'"
        show.line(f'  curl -s {example} -d \'{{"user_id":"user-0001","n":5}}\'\n')

    return run_server(settings, ready)


def _check(settings: Settings, key: str) -> int:
    """Serve in a child process on a free port, ask everything, stop it."""
    with demo_shop.server(settings) as address:
        rows = demo_shop.check(address, key)
    demo_shop.print_table(rows)
    return 0 if all(row.ok for row in rows) else 1
