"""What cameras.py measured, in Markdown: the ratios first, since they are what counts on another machine."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from tests.performance.camera_comparison import Asked, Cell, Measured
from tests.performance.camera_rigs import KEEPING, PASSED, READING, STORED, TURNED, Size, Subject
from tests.performance.timing import percentile_of

COLUMNS = ("camera", "picture", "clients", "answers/s", "different/s of a client", "answer after, p50",
           "age, p50", "age, p95", "CPU per answer", "CPU per frame", "encoded per frame")  # fmt: skip
COMPARED = (TURNED, READING, KEEPING, STORED)

Results = Mapping[Cell, Measured]


def report(measured: Results) -> str:
    """All tables."""
    return "\n".join([
        "\nCPU per answer, as a multiple of `passed through`:\n", ratios(measured),
        "\nClients that ask 30 times a second:\n", answers(measured, is_paced=True),
        "\nClients that ask without a pause:\n", answers(measured, is_paced=False),
        "\nWhile nobody asks:\n", idle(measured),
    ])  # fmt: skip


def ratios(measured: Results) -> str:
    """What an answer costs the module, beside that of a camera whose JPEGs are handed on."""
    rows = []
    for cell in measured:
        if cell.subject is not PASSED or not cell.asked.clients:
            continue
        pace = "30 times a second" if cell.asked.is_paced else "without a pause"
        base = statistics.median(measured[cell].cpu_per_answer_s)
        others = [measured.get(cell._replace(subject=subject)) for subject in COMPARED]
        times = [f"{statistics.median(of.cpu_per_answer_s) / base:.1f}" if of else "" for of in others]
        rows.append([_text(cell.size), f"{cell.asked.clients}", pace, *times])
    return _table(("picture", "clients", "asking", *(subject.name for subject in COMPARED)), rows)


def answers(measured: Results, *, is_paced: bool) -> str:
    """What clients got."""
    wanted = [cell for cell in measured if cell.asked.clients and cell.asked.is_paced == is_paced]
    return _table(COLUMNS, [_answers_row(cell, measured[cell]) for cell in sorted(wanted, key=_place)])


def idle(measured: Results) -> str:
    """What a camera costs that nobody asks."""
    rows: dict[Subject, list[str]] = {}
    sizes = sorted({cell.size for cell in measured})
    for cell, of in sorted(measured.items(), key=lambda item: _place(item[0])):
        if cell.asked == Asked(0) and of.cpu_per_frame_s:
            rows.setdefault(cell.subject, []).append(_ms(of.cpu_per_frame_s, 2))
    lines = [[subject.name, *costs, *[""] * (len(sizes) - len(costs))] for subject, costs in rows.items()]
    return _table(("CPU per frame", *map(_text, sizes)), lines)


def _answers_row(cell: Cell, of: Measured) -> list[str]:
    start = [cell.subject.name, _text(cell.size), f"{cell.asked.clients}", f"{statistics.median(of.per_second):.0f}"]
    took = _at([answer.took_s for answer in of.answers], 50, 1)
    if cell.subject is STORED:
        return [*start, "", took, "", "", _ms(of.cpu_per_answer_s, 2), "", ""]
    ages = [answer.age_s for answer in of.answers]
    return [
        *start, f"{statistics.median(of.different_per_second):.0f}", took, _at(ages, 50, 0), _at(ages, 95, 0),
        _ms(of.cpu_per_answer_s, 2), _ms(of.cpu_per_frame_s, 2), f"{statistics.median(of.transcoded_per_frame):.1f}",
    ]  # fmt: skip


def _place(cell: Cell) -> tuple[bool, Size, int]:
    """Where it stands in a table; what is equal keeps its order."""
    return cell.subject.pixel_format != "MJPG", cell.size, cell.asked.clients


def _text(size: Size) -> str:
    return "x".join(map(str, size))


def _at(times_s: Sequence[float], percentile: int, digits: int) -> str:
    return f"{percentile_of(times_s, percentile) * 1e3:.{digits}f} ms"


def _ms(times_s: Sequence[float], digits: int) -> str:
    return f"{statistics.median(times_s) * 1e3:.{digits}f} ms"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"| --- |{' ---: |' * (len(columns) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
