"""The inference-time-scaling curve as a picture: accuracy against average output tokens, log axis, intervals."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from o1j.errors import Unavailable, UsageError, need

# Okabe and Ito's colours: told apart by every kind of colour vision, and in grey by the markers.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", ":")  # for models beyond the seventh, whose colours and markers come again
_CROWD = 4  # curves; of more, only the last point says how many votes it stands for
_LONGEST_NAME = 60  # columns of a title or a model's name in a picture
# The first that is there draws what the default font lacks; an SVG leaves its text to the browser.
_CJK = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei")
_CJK += ("PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Arial Unicode MS")
_FORMATS = (".svg", ".png")


def check(path: str) -> None:
    """Refuse a name that is no picture's before any work is done; raises UsageError or Unavailable."""
    if not path.lower().endswith(_FORMATS):
        raise UsageError(f"--plot {path}: the name must end in .svg or .png")
    need("matplotlib", "report", "drawing a plot")


def draw(
    path: str,
    summaries: Sequence[Mapping[str, Any]],
    *,
    title: str = "",
    reference: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Draw each summary's `curve` to `path`, with published `reference` points as hollow diamonds.

    Where no token counts are known, the axis is k, the number of votes, and says so; reference points that stand at
    token counts are then left out. One that was published without is a dotted line. The same input gives the same
    bytes.
    """
    matplotlib = need("matplotlib", "report", "drawing a plot")
    matplotlib.use("agg")
    matplotlib.rcParams.update({"svg.hashsalt": "o1j", "svg.fonttype": "none", "font.size": 11})
    from matplotlib import font_manager, pyplot

    there = {font.name for font in font_manager.fontManager.ttflist}
    matplotlib.rcParams["font.family"] = ["DejaVu Sans", *(name for name in _CJK if name in there)]

    in_tokens = all(point["mean_tokens"] for one in summaries for point in one["curve"])
    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    for place, one in enumerate(summaries):
        _series(axes, one, in_tokens, place, crowded=len(summaries) > _CROWD)
    for place, point in enumerate(reference):
        if in_tokens or not point.get("mean_tokens"):
            _published(axes, point, _COLOURS[(len(summaries) + place) % len(_COLOURS)])
    _axes(axes, title, in_tokens)
    save(figure, path)


def save(figure: Any, path: str) -> None:
    """Write a picture, the same bytes for the same figures, and let go of it; Unavailable where it can't be written."""
    from matplotlib import pyplot

    metadata = {"Date": None} if path.lower().endswith(".svg") else {"Software": None}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # no font here has it
            figure.savefig(path, dpi=200, metadata=metadata)
    except OSError as error:
        raise Unavailable(f"--plot {path}: {(error.strerror or str(error)).lower()}") from error
    finally:
        pyplot.close(figure)


def _series(axes: Any, summary: Mapping[str, Any], in_tokens: bool, place: int, crowded: bool) -> None:
    colour, marker = _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)]
    points = [point for point in summary["curve"] if point["accuracy"] is not None]
    if not points:
        return
    x = [point["mean_tokens"] if in_tokens else point["k"] for point in points]
    y = [100 * point["accuracy"] for point in points]
    low = [value - 100 * point["ci95"][0] for value, point in zip(y, points, strict=True)]
    high = [100 * point["ci95"][1] - value for value, point in zip(y, points, strict=True)]
    axes.errorbar(
        x,
        y,
        yerr=[[max(0.0, value) for value in low], [max(0.0, value) for value in high]],
        color=colour,
        marker=marker,
        linestyle=_LINES[place // len(_COLOURS) % len(_LINES)],
        capsize=4,
        linewidth=2,
        elinewidth=1,
        label=_literal(summary["model"] or "(not named)"),
    )
    for across, up, point in list(zip(x, y, points, strict=True))[-1 if crowded else 0 :]:
        text = f"maj@{point['k']}" if point["k"] > 1 else "one reply"
        # Below on the right: curves of votes rise, so the line is elsewhere.
        axes.annotate(text, (across, up), (5, -13), textcoords="offset points", fontsize=8, color=colour)


def _published(axes: Any, point: Mapping[str, Any], colour: str) -> None:
    label = _literal(f"{point['model']} (published)")
    if not point.get("mean_tokens"):
        axes.axhline(100 * point["accuracy"], linestyle=":", color=colour, label=label)
        return
    axes.plot(
        point["mean_tokens"],
        100 * point["accuracy"],
        marker="D",
        markersize=8,
        fillstyle="none",
        linestyle="none",
        color=colour,
        label=label,
    )


def _axes(axes: Any, title: str, in_tokens: bool) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_xscale("log", base=2 if not in_tokens else 10)
    if in_tokens:
        low, high = axes.get_xlim()
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0) if high < 500 * low else (1.0,)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    else:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if value >= 1 else "")
    axes.xaxis.set_minor_locator(NullLocator())
    if axes.get_legend_handles_labels()[0]:
        left, right = axes.get_xlim()
        axes.set_xlim(left / 1.25, right * 1.6)  # room for labels; a single point still gets ticks beside it
    axes.set_xlabel("average output tokens per problem (log scale)" if in_tokens else "votes k (token counts unknown)")
    axes.set_ylabel("accuracy, %")
    axes.set_title(_literal(title))
    axes.grid(alpha=0.3)
    low, high = axes.get_ylim()
    axes.set_ylim(max(0, low), min(100, high) + 0.02 * (high - low))
    if axes.get_legend_handles_labels()[0]:
        drawn, names = axes.get_legend_handles_labels()
        measured_first = sorted(range(len(names)), key=lambda place: names[place].endswith("(published)"))
        axes.legend(
            [drawn[place] for place in measured_first],
            [names[place] for place in measured_first],
            frameon=False,
            fontsize=9,
            handlelength=3.5,
        )


def _literal(text: str) -> str:
    """A name as text that leaves room for the curves: a dollar sign in it starts no formula."""
    # Names that are paths are told apart by their ends.
    text = " ".join(text.split())
    widths = [2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text]
    if sum(widths) > _LONGEST_NAME:
        head, tail = _fitting(text, widths, 20), _fitting(text[::-1], widths[::-1], _LONGEST_NAME - 21)[::-1]
        text = f"{head}…{tail}"
    return text.replace("$", r"\$")


def _fitting(text: str, widths: Sequence[int], columns: int) -> str:
    """The beginning of a text that is so many columns wide."""
    return text[: sum(end <= columns for end in accumulate(widths))]
