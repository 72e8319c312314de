"""How pictures look: one colour per tier kind everywhere, one hatch per kind of stall, the same bytes each time.

Colours are told apart by people who confuse red with green, and differ in lightness: near tiers are dark, far ones
light. Links have warm colours, tiers cool ones, the unit's own time greys; the hatch says why a unit waited, in print
too.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from hiersim.engine.result import Result
from hiersim.report.breakdown import Part, owner

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIERS = {
    "sram": "#30123b",
    "l2": "#453781",
    "hbm": "#0b4f8a",
    "gddr": "#2466a3",
    "lpddr": "#4a7fa5",
    "ddr": "#4a90c4",
    "cxl": "#3fb8a6",
    "pmem": "#8bcbae",
    "flash": "#b4dcc2",
    "remote": "#dcebb4",
}
LINKS = {
    "pcie": "#d55e00",
    "nvlink": "#b2182b",
    "c2c": "#8c2d04",
    "cxl": "#e69f00",
    "nvme": "#f4a582",
    "network": "#cc79a7",
    "bus": "#b8860b",
}
STATES = {"compute": "#333333", "near": "#8a8a8a", "idle": "#ffffff"}
OTHER_UNIT = "#7a5195"
"""Colour of waiting for what another unit does."""
CLASSES = {
    "kv": "#0072b2",
    "weight": "#333333",
    "expert": "#d55e00",
    "activation": "#e69f00",
    "gradient": "#8c2d04",
    "optimizer": "#7a5195",
    "feature": "#009e73",
    "page": "#8fb8de",
}
"""Colours of what objects are, of their classes."""
OTHER_CLASSES = ("#c9c9c9", "#6f6f6f", "#e3b7a0", "#b9d3c2")
"""Colours of classes that have none of their own, in order."""
OTHER = "#d9c7b8"
"""Colour of what has no kind of its own: several causes folded together, an unknown place."""
MARK = "#d55e00"
"""Colour of the one thing to look at first."""
UTILISATION = ("#cfd4d9", "#a9bfd3", "#7d9cc0", "#5b6fa8", "#3b2a63")
"""Colours of how much of its bandwidth a link used: up to 20%, 40%, 60%, 80% and 100%; darker is busier."""
HATCHES = {"bandwidth": "", "latency": "///", "slot": "xxx", "room": "...", "joined": "\\\\\\"}
PALE = 0.7
"""Lightness of colours that are hard to see on white as a thin line."""
NEAR_HATCH = "--"
"""Of the time on the near tier, which in grey looks as some tiers do."""
INK, FAINT = "#222222", "#6b6b6b"
DPI = 160
"""Pixels per inch of pictures in files."""
SETTINGS: dict[str, object] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "hiersim",
    "svg.fonttype": "path",
    "figure.dpi": 100,
    "savefig.dpi": DPI,
}


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Draw with hiersim's settings, whatever the user's own are; they are back afterwards.

    What the font has no sign for, such as Chinese in a run's name, is drawn as a box, without a word about it.
    """
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        interactive = mpl.is_interactive()
        mpl.rcdefaults()
        settings: Any = SETTINGS | {"interactive": interactive}
        mpl.rcParams.update(settings)
        yield


def new_axes(width: float, height: float, ax: Axes | None = None) -> Axes:
    """Return the axes given, or those of a new figure of so many inches that notebooks show by themselves."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def detached(width: float, height: float, full: bool = False) -> Axes:
    """Return axes of a new figure that no window or notebook knows of: for writing to a file.

    Args:
        width: of the figure, in inches.
        height: of the figure, in inches.
        full: the axes fill the figure; otherwise they are laid out with their labels inside it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout=None if full else "constrained")
    FigureCanvasAgg(figure)  # measures texts as it draws them, and each text once
    return figure.add_axes((0, 0, 1, 1)) if full else figure.subplots()


def settle(figure: Figure) -> None:
    """Keep the layout that a figure has got when it was last drawn; saving it does not work it out again."""
    with styled():  # whose settings say that no layout means none
        figure.set_layout_engine(None)


def save(figure: Figure, file: BinaryIO, ending: str) -> None:
    """Write a figure as ``png`` or ``svg``; the same figure gives the same bytes."""
    metadata = {"Date": None, "Creator": None} if ending == "svg" else {"Software": None}
    with styled():
        options: dict[str, Any] = (
            {"pil_kwargs": {"compress_level": 3}} if ending == "png" else {}
        )  # half the time, hardly more bytes
        figure.savefig(file, format=ending, metadata=metadata, **options)


def colour_of(part: Part, result: Result) -> str:
    """Return the colour of a part of a unit's time: its state's, or that of the tier or link it waited for."""
    if part.state != "stall":
        return STATES[part.state]
    if owner(part.place, result)[0] == "units":
        return OTHER_UNIT
    return colour_of_place(part.place, result)


def colour_of_place(place: str, result: Result) -> str:
    """Return the colour of a tier, link or hop by its kind; paler for writes and for the way back."""
    group, name, direction = owner(place, result)
    colour = STATES["compute"] if group == "units" else OTHER
    if group == "tiers":
        colour = TIERS.get(result.tiers[name].kind, OTHER)
    elif group == "links":
        colour = LINKS.get(result.links[name].kind, OTHER)
    return paler(colour) if direction in ("write", "backward") else colour


def colours_of_classes(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each object class; those without one of their own take the others in turn."""
    found: dict[str, str] = {}
    for name in names:
        unknown = len([known for known in found if known not in CLASSES])
        found[name] = CLASSES.get(name) or OTHER_CLASSES[unknown % len(OTHER_CLASSES)]
    return found


def paler(colour: str, share: float = 0.35) -> str:
    """Return a colour mixed with a share of white."""
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(channel + (255 - channel) * share):02x}" for channel in channels)


def lightness(colour: str) -> float:
    """Return how light a colour is to the eye, from 0 (black) to 1 (white): CIE L* / 100."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (1.16 * luminance ** (1 / 3) - 0.16) if luminance > 0.008856 else 9.033 * luminance


def edged(colour: str) -> list[Any]:
    """Return the effects with which a thin line of a colour is seen on white: an edge where it is pale."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.8, foreground=FAINT)] if lightness(colour) > PALE else []


def ink_on(colour: str) -> str:
    """Return the colour of text that is readable on a colour."""
    return "#ffffff" if lightness(colour) < 0.58 else INK


def figure_of(ax: Axes) -> Figure:
    """Return the figure that holds the axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure
