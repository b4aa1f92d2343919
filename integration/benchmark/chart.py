# SPDX-License-Identifier: Apache-2.0
"""A chart as SVG, for figures that a table cannot show."""
import html

WIDTH, HEIGHT, LEFT, TOP_, RIGHT, BOTTOM = 800, 420, 64, 40, 20, 48
COLOURS = "#1f77b4", "#d62728", "#2ca02c", "#9467bd"


def nice(most):
    """A round number that is not below."""
    step = 10 ** (len(str(int(most))) - 1)
    return next(step * k / 2 for k in range(1, 21) if step * k / 2 >= most)


def lines(path, title, x_name, y_name, series):
    """series: {name: [(x, y)]}"""
    x_most = max(x for points in series.values() for x, _ in points)
    y_most = nice(max(y for points in series.values() for _, y in points))
    across = lambda x: LEFT + x / x_most * (WIDTH - LEFT - RIGHT)
    up = lambda y: HEIGHT - BOTTOM - y / y_most * (HEIGHT - TOP_ - BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{WIDTH / 2}" y="20" text-anchor="middle" font-size="15">{html.escape(title)}</text>']
    for i in range(6):
        x, y = across(x_most * i / 5), up(y_most * i / 5)
        out += [f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>',
                f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{y_most * i / 5:g}</text>',
                f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x_most * i / 5:g}</text>']
    out += [f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{html.escape(x_name)}</text>',
            f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 {HEIGHT / 2})">{html.escape(y_name)}</text>']
    for colour, (number, (name, points)) in zip(COLOURS, enumerate(series.items())):
        path_of = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        out += [f'<polyline points="{path_of}" fill="none" stroke="{colour}" stroke-width="1.2"/>',
                f'<text x="{LEFT + 12}" y="{TOP_ + 14 + 16 * number}" fill="{colour}">{html.escape(name)}</text>']
    path.write_text("\n".join([*out, "</svg>"]) + "\n", encoding="utf-8")
