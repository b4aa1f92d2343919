# SPDX-License-Identifier: Apache-2.0
"""A chart as SVG, for figures that a table cannot show: panels below each other, with one x axis."""
import html
import math

WIDTH, HEIGHT, HEAD, LEFT, TOP_, RIGHT, BOTTOM = 800, 320, 32, 64, 8, 20, 48
COLOURS = "#1f77b4", "#d62728", "#2ca02c", "#9467bd"


def nice(most):
    """A round number that is not below."""
    step = 10 ** math.floor(math.log10(most))
    return next(step * k / 2 for k in range(1, 21) if step * k / 2 >= most)


def panel(above, x_name, x_most, y_name, series):
    """Lines of SVG; `above` is where the panel begins."""
    y_most = nice(max(y for points in series.values() for _, y in points))
    top, bottom = above + TOP_, above + HEIGHT - BOTTOM
    across = lambda x: LEFT + x / x_most * (WIDTH - LEFT - RIGHT)
    up = lambda y: bottom - y / y_most * (bottom - top)
    out = []
    for i in range(6):
        x, y = across(x_most * i / 5), up(y_most * i / 5)
        out += [f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>',
                f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{y_most * i / 5:g}</text>',
                f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{x_most * i / 5:g}</text>']
    middle = (top + bottom) / 2
    out += [f'<text x="{WIDTH / 2}" y="{bottom + 34}" text-anchor="middle">{html.escape(x_name)}</text>',
            f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{html.escape(y_name)}</text>']
    for colour, (number, (name, points)) in zip(COLOURS, enumerate(series.items())):
        path_of = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        out += [f'<polyline points="{path_of}" fill="none" stroke="{colour}" stroke-width="1.2"/>',
                f'<text x="{LEFT + 12}" y="{top + 14 + 16 * number}" fill="{colour}">{html.escape(name)}</text>']
    return out


def draw(path, title, x_name, panels):
    """panels: [(name of y, {name: [(x, y)]})]"""
    x_most = max(x for _, series in panels for points in series.values() for x, _ in points)
    height = HEAD + HEIGHT * len(panels)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           f'<text x="{WIDTH / 2}" y="20" text-anchor="middle" font-size="15">{html.escape(title)}</text>']
    for number, (y_name, series) in enumerate(panels):
        out += panel(HEAD + HEIGHT * number, x_name, x_most, y_name, series)
    path.write_text("\n".join([*out, "</svg>"]) + "\n", encoding="utf-8")
