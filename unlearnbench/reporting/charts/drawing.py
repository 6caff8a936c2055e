"""From geometry to SVG: inside a page that holds the style once, or as a file of its own."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unlearnbench.display import visible

if TYPE_CHECKING:
    from unlearnbench.reporting.charts.curves import Curves
    from unlearnbench.reporting.charts.scatter import Scatter

_LIGHT = {"ground": "#ffffff", "text": "#1c1e21", "soft": "#55595f"}
_LIGHT |= {"line": "#d6d6d0", "edge": "#84878c"}
_LIGHT |= {"s1": "#0a6aa1", "s2": "#b4460f", "s3": "#00755a", "s4": "#8a3a76"}
_LIGHT |= {"s5": "#7a5c00", "s6": "#4a4fb5", "s7": "#a12a3a", "s8": "#4d5a61"}
_DARK = {"ground": "#15171a", "text": "#e6e6e3", "soft": "#a9adb3"}
_DARK |= {"line": "#363a40", "edge": "#868b92"}
_DARK |= {"s1": "#6cb8ea", "s2": "#f2935c", "s3": "#4fc9a4", "s4": "#dc9aca"}
_DARK |= {"s5": "#dcb94a", "s6": "#a3a8ff", "s7": "#f48a97", "s8": "#b3c0c7"}
_IN_THE_DARK = "@media (prefers-color-scheme: dark) {{\n{}}}\n"


def svg_style() -> str:
    """The style sheet of charts in a page, for light and dark."""
    light, dark = (
        f".chart {{ {' '.join(f'--chart-{name}: {value};' for name, value in palette.items())} }}\n"
        for palette in (_LIGHT, _DARK)
    )
    return f"{light}{_IN_THE_DARK.format(dark)}{_rules()}"


def svg_in_page(chart: Curves | Scatter, name: str, title: str, description: str) -> Markup:
    """The SVG for a page that has `svg_style`; `name` makes its ids."""
    return Markup(_draw(chart, name, title, description, ""))


def svg_file(chart: Curves | Scatter, title: str, description: str) -> str:
    """The text of an SVG file, its title drawn above the chart.

    Its style has no variables, which many converters do not know.
    """
    style = _literal(_LIGHT) + _IN_THE_DARK.format(_literal(_DARK))
    return _draw(chart, "chart", title, description, style)


def _draw(chart: Curves | Scatter, name: str, title: str, description: str, style: str) -> str:
    template = _environment().get_template("charts.svg.j2")
    drawn = template.render(
        chart=chart, name=name, title=title, description=description, style=Markup(style)
    )
    return f"{drawn.strip()}\n"


def _rules() -> str:
    folder = files("unlearnbench.reporting") / "templates"
    return (folder / "charts.css").read_text("utf-8")


def _literal(palette: dict[str, str]) -> str:
    """The rules with the colours of a palette in place of variables."""
    return re.sub(r"var\(--chart-(\w+)\)", lambda name: palette[name[1]], _rules())


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("unlearnbench.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
