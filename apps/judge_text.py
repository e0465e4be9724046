"""Says in plain text what a judge decided, how far its verdicts hang on the order, and how far people agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.judge import JudgeReport
    from apps.judge_agreement import Agreement

_OUTCOMES = {
    "order": "the same place won both times (order bias)",
    "wavering": "a tie one way round only",
    "tie": "ties",
    "unread": "without a verdict",
    "too_long": "too long for the judge",
}


def render_report(report: JudgeReport, out: str) -> str:
    """Questions, comparisons, and the pairs that came of them."""
    lines = [f"{report.questions} questions · {report.compared} comparisons · judge {report.judge}"]
    if report.refused:
        lines.append(f"{report.refused} questions have no answer in the documents and were left out")
    if report.alike:
        lines.append(f"{report.alike} questions got the same answer every time; a higher --temperature helps")
    agreed = report.outcomes.get("first", 0) + report.outcomes.get("second", 0)
    lines.append(f"{agreed} decided{_share(agreed, report.read)}")
    lines += [
        f"{report.outcomes[name]} {words}{_share(report.outcomes[name], report.read) if name == 'order' else ''}"
        for name, words in _OUTCOMES.items()
        if report.outcomes.get(name)
    ]
    if report.first_place is not None:
        lines.append(f"the answer that stood first won {report.first_place:.0%} of the single verdicts")
    if report.circular:
        lines.append(f"{report.circular} left out: the verdicts on their question run in a circle")
    if report.longer_chosen is not None:
        lines.append(f"the better answer is the longer one in {report.longer_chosen:.0%} of the pairs")
    lines.append(f"{report.pairs} pairs in {out}" if report.pairs else "No pair came of it.")
    return "\n".join(lines)


def render_agreement(found: Agreement) -> str:
    """For example "thumbs: equal in 82 % of 50 (95 % interval 70 to 92 %), Cohen's kappa .61 (.38 to .81)"."""
    unread = f"; {found.unread} more without a verdict" if found.unread else ""
    if not found.rows:
        return f"agreement with people on {found.of}: none was judged{unread}"
    within = f"95 % interval over {found.questions} questions "
    share = f"equal in {found.share:.0%} of {found.rows}"
    if found.share_low is not None:
        share += f" ({within}{found.share_low:.0%} to {found.share_high:.0%})"
    kappa = "Cohen's kappa not defined: all verdicts are the same"
    if found.kappa is not None:
        kappa = f"Cohen's kappa {found.kappa:.2f}"
        if found.kappa_low is not None:
            kappa += f" ({found.kappa_low:.2f} to {found.kappa_high:.2f})"
    return f"agreement with people on {found.of}: {share}, {kappa}{unread}"


def _share(count: int, total: int) -> str:
    return f" ({count / total:.0%})" if total else ""
