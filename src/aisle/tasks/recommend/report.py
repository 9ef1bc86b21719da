"""What `aisle evaluate recommend` found, for people: a page with figures, a short table, and what to be careful about."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from aisle.tasks.recommend.plots import Line, Mark, dots

Row = Mapping[str, Any]
SURE = 200  # users below which a comparison says little
PROTOCOL = {
    "leave_last_out": "Each user's newest first meeting with an item was hidden, and all after it; that item is right.",
    "time_split": "The newest fifth of all events was hidden; right is what a user took up in that time and never had before.",
    "time_split_all": "The newest fifth of all events was hidden; right is all that a user took then, repeats included.",
}
MEASURES = (("ndcg@10", "nDCG@10"), ("recall@10", "Recall@10"), ("mrr", "MRR"))
GLOSSARY = (
    ("nDCG@10", "are the right items among the ten shown, and how high? 1 is a perfect list, 0 none of them."),
    ("Recall@10", "the share of the right items that is among the ten."),
    ("MRR", "1 divided by the place of the first right item (of twenty), averaged."),
    ("Coverage", "the share of the catalogue that was shown to anybody."),
    ("Novelty", "how surprising what is shown is: −log2 of its share of all events. Higher is rarer."),
    ("Popularity bias", "how much more popular what is shown is than the catalogue: 1 is even-handed."),
    ("Gini", "how unevenly the catalogue is shown: 0 every item as often, 1 always the same."),
)
SHEET = """
:root{color-scheme:light dark;
  --back:#fbfbf9;--card:#fff;--text:#1d2327;--soft:#5f6b73;--line:#e2e4e1;
  --a:#9aa7b0;--b:#6d93b8;
  --c:#35699c;--d:#123f6b;--best:#b4540a}
@media(prefers-color-scheme:dark){:root{--back:#14181b;--card:#1c2226;--text:#e8ecee;--soft:#9aa6ad;
  --line:#323b41;--a:#56646d;--b:#5f8fbd;--c:#8db9e2;--d:#d3e7fa;--best:#f2a65a}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4rem}
h2{font-size:1.15rem;margin:2.4rem 0 .3rem}
p{margin:.3rem 0 .8rem;max-width:46rem}
.soft,.legend,dd{color:var(--soft)}
section>svg,.wide{background:var(--card);border:1px solid var(--line);border-radius:10px}
section{overflow-x:auto}
section>svg{min-width:38rem;display:block;width:100%;height:auto;padding:.6rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.5rem .7rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}
tr:last-child td{border:0}
th{font-weight:600;color:var(--soft);font-size:.85rem}
.lead td{font-weight:650}
.warn{border-left:4px solid var(--best);padding:.5rem .9rem;background:var(--card)}
dt{font-weight:600;margin-top:.6rem}
dd{margin:0}
.legend span{margin-right:1.1rem}
.legend svg{width:.75rem;height:.75rem;margin-right:.35rem;vertical-align:-1px}
text{font:13px system-ui,sans-serif;fill:var(--text)}
.tick,.value{fill:var(--soft);font-size:12px}
.name.best{font-weight:650}
.grid{stroke:var(--line)}
.join{stroke:var(--line);stroke-width:3}
.whisker{stroke-width:3;opacity:.45}
circle.a{fill:var(--a)}
circle.b{fill:var(--b)}
circle.c{fill:var(--c)}
circle.d{fill:var(--d)}
circle.best.c{fill:var(--best)}
.whisker.a{stroke:var(--a)}
.whisker.b{stroke:var(--b)}
.whisker.c{stroke:var(--c)}
.whisker.d{stroke:var(--d)}
"""


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The few columns that fit a terminal."""
    return [
        {
            "model": row["model"],
            "nDCG@10": f"{row['ndcg@10']:.4f}",
            "95 %": f"{row['ci_low']:.3f} to {row['ci_high']:.3f}",
            "recall@10": f"{row['recall@10']:.4f}",
            "MRR": f"{row['mrr']:.4f}",
            "coverage": f"{row['coverage']:.0%}",
            "bias": f"{row['popularity_bias']:.1f}",
            "learning": f"{row['seconds_fit']:.1f} s",
            "answer": f"{row['ms_per_user']:.2f} ms",
        }
        for row in rows
    ]


def remarks(rows: Sequence[Row]) -> list[str]:
    """What to be careful about, and what was chosen."""
    said = []
    users = rows[0]["users"]
    if users < SURE:
        said.append(f"this rests on {users} user{'s' * (users != 1)}: differences may be chance; come back with more events")
    level = [row["model"] for row in rows[1:] if row["ci_high"] >= rows[0]["ci_low"]]
    if level:
        said.append(f"{rows[0]['model']} leads, but its interval overlaps with {', '.join(level)}")
    beaten = [row["model"] for row in rows if row["model"] != "popular" and _behind_popular(row, rows)]
    if beaten:
        said.append(f"not better than showing what is popular: {', '.join(beaten)}")
    return said + [f"{row['model']}: {row['why']}" for row in rows if row.get("why")]


def _behind_popular(row: Row, rows: Sequence[Row]) -> bool:
    popular = next((other for other in rows if other["model"] == "popular"), None)
    return popular is not None and row["ndcg@10"] <= popular["ndcg@10"]


def page(rows: Sequence[Row]) -> str:
    """One HTML file that needs nothing else: no scripts, no fonts, no pictures; its own style sheet is all it allows itself."""
    digest = base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>How good are the recommendations?</title>',
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'\">",
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{SHEET}</style></head><body><main>',
        _opening(rows),
        *_accuracy(rows),
        _short_histories(rows),
        _seldom_seen(rows),
        _beyond(rows),
        _cost(rows),
        _words(),
    ]
    return "\n".join([*parts, "</main></body></html>\n"])


def _opening(rows: Sequence[Row]) -> str:
    best, users = rows[0], rows[0]["users"]
    popular = next((row for row in rows if row["model"] == "popular"), None)
    times = f", {best['ndcg@10'] / popular['ndcg@10']:.1f} times what popularity finds" if popular and popular["ndcg@10"] else ""
    warnings = "".join(f'<p class="warn">{escape(text)}</p>' for text in remarks(rows))
    return (
        f"<h1>{escape(_name(best))} recommends best here</h1>"
        f"<p>nDCG@10 {best['ndcg@10']:.3f} ({best['ci_low']:.3f} to {best['ci_high']:.3f}){times}. "
        f"{users:,} users were asked about.</p>"
        f'<p class="soft">{escape(PROTOCOL.get(best.get("protocol", ""), ""))} All items of the catalogue were ranked. '
        f"Intervals hold 95 % (bootstrap over users).</p>{warnings}"
    )


def _accuracy(rows: Sequence[Row]) -> list[str]:
    found = []
    for key, title in MEASURES:
        lines = [
            Line(_name(row), [Mark(row[key], f"{_name(row)}: {row[key]:.4f}", "c", *row["intervals"][key])], best=row is rows[0])
            for row in rows
        ]
        found.append(_section(title, "", dots(lines, title, said=_number)))
    return found


def _short_histories(rows: Sequence[Row]) -> str:
    lines = [Line(_name(row), [*_shortened(row), Mark(row["ndcg@10"], f"all events: {row['ndcg@10']:.4f}", "d")]) for row in rows]
    steps = [int(n) for n in rows[0]["short_histories"]]
    legend = _legend([f"{n} event{'s' * (n > 1)}" for n in steps] + ["all events"])
    words = "The same users, asked as if only their newest events were known (nDCG@10): what a new customer gets."
    return _section(
        "Users with few events", words, legend + dots(lines, "nDCG@10 by length of history", said=_number, joined=True)
    )


def _shortened(row: Row) -> list[Mark]:
    found = zip("abc", row["short_histories"].items(), strict=False)
    return [Mark(one["ndcg@10"], f"{n} events: {one['ndcg@10']:.4f}", kind) for kind, (n, one) in found]


def _seldom_seen(rows: Sequence[Row]) -> str:
    groups = rows[0]["seldom_seen"]
    kinds = [(kind, place) for kind, place in zip("abcd", range(len(groups)), strict=True) if groups[place]["wanted"]]
    lines = [Line(_name(row), [_rare(row["seldom_seen"][place], kind) for kind, place in kinds]) for row in rows]
    legend = _legend([_group(groups[place]) for _, place in kinds], [kind for kind, _ in kinds])
    words = "Recall@20 of what was taken, by how many events training knew of the item."
    return _section(
        "Items that few had", words, legend + dots(lines, "Recall@20 by popularity of the item", said=_number, joined=True)
    )


def _rare(group: dict[str, float], kind: str) -> Mark:
    return Mark(group["recall@20"], f"{_group(group)}: {group['recall@20']:.4f}", kind)


def _group(group: dict[str, float]) -> str:
    low, high = int(group["from"]), int(group["to"])
    words = "no events" if high == 0 else f"{low} to {high} events" if high > low else f"{low} events"
    return f"{words} ({int(group['wanted']):,} wanted)"


def _beyond(rows: Sequence[Row]) -> str:
    names = ("Coverage", "Novelty", "Popularity bias", "Gini", "Recall@20", "Precision@10")
    cells = [
        [f"{row['coverage']:.1%}", f"{row['novelty']:.2f}", f"{row['popularity_bias']:.2f}", f"{row['gini']:.2f}",
         f"{row['recall@20']:.4f}", f"{row['precision@10']:.4f}"]
        for row in rows
    ]  # fmt: skip
    return _section("Beyond accuracy", "What the lists reach of the catalogue.", _table(rows, names, cells))


def _cost(rows: Sequence[Row]) -> str:
    names = ("Learning", "One answer", "Answers a second")
    cells = [
        [f"{row['seconds_fit']:.1f} s", f"{row['ms_per_user']:.3f} ms", f"{1000 / max(row['ms_per_user'], 1e-6):,.0f}"]
        for row in rows
    ]
    words = "Processor time on this machine, answers in batches; learning includes what all algorithms share."
    return _section("Cost", words, _table(rows, names, cells))


def _table(rows: Sequence[Row], names: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("Algorithm", *names))
    lines = ["".join(f"<td>{cell}</td>" for cell in (escape(_name(row)), *line)) for row, line in zip(rows, cells, strict=True)]
    body = f'<tr class="lead">{lines[0]}</tr>' + "".join(f"<tr>{line}</tr>" for line in lines[1:])
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _legend(words: Sequence[str], kinds: Sequence[str] = "abcd") -> str:
    dot = '<svg viewBox="0 0 12 12" aria-hidden="true"><circle class="{}" cx="6" cy="6" r="5"/></svg>'
    said = "".join(f"<span>{dot.format(kind)}{escape(text)}</span>" for kind, text in zip(kinds, words, strict=False))
    return f'<p class="legend">{said}</p>'


def _section(title: str, words: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{f'<p class=soft>{escape(words)}</p>' if words else ''}{body}</section>"


def _words() -> str:
    return (
        "<section><h2>Words</h2><dl>"
        + "".join(f"<dt>{escape(n)}</dt><dd>{escape(w)}</dd>" for n, w in GLOSSARY)
        + "</dl></section>"
    )


def _name(row: Row) -> str:
    name = str(row["model"]).replace("_", " ")
    name = {"ease": "EASE", "als": "ALS"}.get(name, name[:1].upper() + name[1:])
    return f"{name} ({str(row['chosen']).replace('_', ' ')})" if row.get("chosen") else name


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 and value else f"{value:.2f}" if value else "0"
