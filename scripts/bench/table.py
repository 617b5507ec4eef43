"""Turn the benchmarks' JSON lines into Markdown tables, and put them into a document.

Usage: table.py FIGURES.jsonl [DOCUMENT.md [NAME]]

The part of the document between the lines ``<!-- NAME -->``, by default ``<!-- figures -->``, and
``<!-- end of NAME -->`` is replaced; without a document, the tables are printed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PART = "figures"
FRAME = ("figure", "value", "unit", "target", "machine", "date")

Line = Mapping[str, Any]


def markdown(lines: list[Line]) -> str:
    """Format all tables, with the origin of the figures."""
    plain = [line for line in lines if not line["figure"].startswith("simulated_")]
    parts = []
    if plain:
        parts.append(origin(plain[-1]) + figures(plain))
    if of(lines, "simulated_tile_"):
        parts.append(saturation(lines))
    if of(lines, "simulated_run_"):
        parts.append(whole_runs(of(lines, "simulated_run_")))
    return "\n".join(parts)


def origin(line: Line) -> str:
    """State when and on which machine the figures were measured."""
    facts = line.get("machine", {})
    cpu = facts.get("cpu")
    if "instruction_set" in facts:
        cpu = f"{cpu} with {facts['instruction_set']}"
    if facts.get("instructions"):
        cpu = f"{cpu} (has {', '.join(facts['instructions'])})"
    if facts.get("accelerators"):
        cpu = f"{', '.join(facts['accelerators'])}, {cpu}"
    return (
        f"Measured on {line.get('date')}: {cpu}, {facts.get('cores')} cores, "
        f"Python {facts.get('python')}, PyTorch {facts.get('torch')}, {facts.get('mpi')}.\n\n"
    )


def figures(lines: list[Line]) -> str:
    """Table with one row per figure and the medians from which it comes."""
    rows = [
        [f"`{x['figure']}`", short(x["value"]), x["unit"], x.get("target", ""), parts(x)]
        for x in lines
    ]
    return table(["figure", "value", "unit", "target", "from (medians)"], rows)


def parts(line: Line) -> str:
    """Format the keys that only this line has."""
    return ", ".join(
        f"{key.replace('_', ' ')} {short(value)}" if key != "note" else str(value)
        for key, value in line.items()
        if key not in FRAME
    )


def saturation(lines: list[Line]) -> str:
    """Table of efficiency and rank 0's share, by number of ranks and tile duration."""
    rows = of(lines, "simulated_tile_")
    needs = {line["ranks"]: line for line in of(lines, "simulated_need_")}
    tiles = sorted({line["tile_seconds"] for line in rows})
    cells = {(line["ranks"], line["tile_seconds"]): line for line in rows}
    head = ["ranks", *(f"tiles of {tile:g} s" for tile in tiles), "needed", "default"]
    body = [
        [
            str(ranks),
            *(
                f"{cells[ranks, tile]['value']:.2f} ({cells[ranks, tile]['rank_0_share']:.0%})"
                for tile in tiles
            ),
            f"{needs[ranks]['value']:.2g} s",
            f"{needs[ranks]['default_seconds']:.2g} s",
        ]
        for ranks in sorted({line["ranks"] for line in rows})
    ]
    return table(head, body)


def whole_runs(lines: list[Line]) -> str:
    """Table of simulated runs with the program's default tiles."""
    head = ["grid", "a point", "ranks", "tile", "ideal", "simulated", "efficiency", "rank 0 busy"]
    head += ["rank 0 computes", "or not"]
    body = [
        [
            x["grid"],
            f"{x['point_seconds']:g} s",
            str(x["ranks"]),
            f"{x['tile_seconds']:.2g} s",
            f"{x['ideal_seconds']:.1f} s",
            f"{x['simulated_seconds']:.1f} s",
            f"{x['value']:.3f}",
            f"{x['rank_0_share']:.0%}",
            f"{x['efficiency_if_rank_0_computes']:.3f}",
            f"{x['efficiency_if_it_does_not']:.3f}",
        ]
        for x in lines
    ]
    return table(head, body)


def of(lines: Iterable[Line], prefix: str) -> list[Line]:
    return [line for line in lines if line["figure"].startswith(prefix)]


def table(head: list[str], rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *rows])


def short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def insert(text: str, tables: str, name: str = PART) -> str:
    """Replace the part of a document between the marks of a name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, _, rest = text.partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"the document has no lines {begin.strip()} and {end.strip()}")
    return f"{before}{begin}\n{tables}\n{end}{after}"


def main() -> None:
    if not 2 <= len(sys.argv) <= 4:
        raise SystemExit(__doc__)
    text = Path(sys.argv[1]).read_text()
    tables = markdown([json.loads(line) for line in text.splitlines() if line.strip()])
    if len(sys.argv) == 2:
        print(tables)
        return
    document = Path(sys.argv[2])
    document.write_text(insert(document.read_text(), tables, *sys.argv[3:]))


if __name__ == "__main__":
    main()
