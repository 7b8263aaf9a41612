#!/usr/bin/env python3
"""Draws docs/diagrams/*.svg: the static and the dynamic hypernetwork and one step of the HyperLSTM, boxes and arrows with real text,
light or dark as the reader's system is. Text is written in a little markup: $h_{t-1}$ is mathematics, ^ and _ raise and lower
one letter or a {group}, "LN" between the dollars stays upright.

    python3 tools/draw_diagrams.py            writes the files
    python3 tools/draw_diagrams.py --check    says whether they are what this script draws
"""

import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "diagrams"
WIDTH = 480  # narrow, so that a telephone shows the text at three quarters of its size
TEXT, SMALL = 15, 13
CORNER, HEAD = 7, 8
MINUS = "\u2212"

LIGHT = {"paper": "#ffffff", "text": "#1b2027", "muted": "#5c6570", "line": "#5c6570", "main": "#e8f0fa", "main-line": "#386fb5",
         "hyper": "#fbebe7", "hyper-line": "#ac3c2d", "panel": "#f6f5f2", "cell-main": "#386fb5", "cell-hyper": "#ac3c2d"}
DARK = {"paper": "#15181d", "text": "#e8eaed", "muted": "#a3abb6", "line": "#a3abb6", "main": "#1b2a44", "main-line": "#7ea8ff",
        "hyper": "#3b201d", "hyper-line": "#f08a7a", "panel": "#1d2128", "cell-main": "#7ea8ff", "cell-hyper": "#f08a7a"}


def rules(colours):
    return "".join((
        f".paper{{fill:{colours['paper']}}}.t{{fill:{colours['text']}}}.m{{fill:{colours['muted']}}}",
        f".panel{{fill:{colours['panel']}}}.line{{stroke:{colours['line']}}}.head{{fill:{colours['line']}}}",
        f".wline{{stroke:{colours['hyper-line']}}}.whead{{fill:{colours['hyper-line']}}}",
        f".main{{fill:{colours['main']};stroke:{colours['main-line']}}}",
        f".hyper{{fill:{colours['hyper']};stroke:{colours['hyper-line']}}}",
        f".cm{{fill:{colours['cell-main']}}}.ch{{fill:{colours['cell-hyper']}}}",
        f".frame{{fill:none;stroke:{colours['line']}}}.op{{fill:{colours['paper']};stroke:{colours['line']}}}"))


STYLE = (
    "text{font-family:system-ui,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif}"
    ".x,.r{font-family:\"STIX Two Text\",Cambria,Georgia,\"DejaVu Serif\",serif}.x{font-style:italic}"
    ".b{font-weight:650}.line,.wline{fill:none;stroke-width:1.5;stroke-linejoin:round}.wline{stroke-dasharray:5 3}"
    ".main,.hyper,.op{stroke-width:1.5}\n" + rules(LIGHT) + "\n@media (prefers-color-scheme:dark){" + rules(DARK) + "}")


# ---- text ------------------------------------------------------------------------------------------------------------

def mathematics(source):
    """[(class, level, text)] of what stands between dollars: level 0, -1 lowered, 1 raised; letters lean, the rest does not."""
    pieces, level, i = [], 0, 0
    pattern = re.compile(r'([_^])(\{[^}]*\}|.)|"([^"]*)"|([A-Za-z\u0370-\u03ff\u00c0-\u024f]\u0302?)|(.)', re.S)
    while i < len(source):
        match = pattern.match(source, i)
        i = match.end()
        shift, group, upright, letter, other = match.groups()
        if shift:
            inner = mathematics(group[1:-1] if group[0] == "{" else group)
            pieces += [(kind, -1 if shift == "_" else 1, text) for kind, _, text in inner]
        elif upright is not None:
            pieces.append(("r", level, upright))
        else:
            greek_capital_or_sigma = letter in ("σ", "Σ")
            pieces.append(("x" if letter and not greek_capital_or_sigma else "r", level, letter or other))
    return pieces


def spans(markup, size):
    """The tspans of a line. Neighbours of one kind are one tspan; the baseline comes back after a raised or lowered part."""
    pieces = []
    markup = re.sub("  +", lambda spaces: "\u00a0" * len(spaces.group(0)), markup)  # one space is all that SVG would leave of many
    for index, part in enumerate(markup.split("$")):
        pieces += mathematics(part) if index % 2 else [("", 0, part)] if part else []
    joined = []
    for piece in pieces:
        if joined and joined[-1][:2] == piece[:2]:
            joined[-1] = (*piece[:2], joined[-1][2] + piece[2])
        else:
            joined.append(piece)
    out, height = [], 0.0
    for kind, level, text in joined:
        wanted = {0: 0.0, -1: 0.26 * size, 1: -0.36 * size}[level]
        attributes = f' class="{kind}"' if kind else ""
        if level:
            attributes += f' font-size="{0.76 * size:.4g}"'
        if wanted != height:
            attributes += f' dy="{wanted - height:.3g}"'
        height = wanted
        out.append(f"<tspan{attributes}>{escape(text)}</tspan>" if attributes else escape(text))
    return "".join(out)


# ---- shapes ----------------------------------------------------------------------------------------------------------

class Box:
    """A place in the picture with sides that arrows can end at; `share` runs along the side, 0 to 1."""

    def __init__(self, x, y, width, height):
        self.x, self.y, self.width, self.height = x, y, width, height
        self.cx, self.cy = x + width / 2, y + height / 2

    def top(self, share=0.5):
        return (self.x + share * self.width, self.y)

    def bottom(self, share=0.5):
        return (self.x + share * self.width, self.y + self.height)

    def left(self, share=0.5):
        return (self.x, self.y + share * self.height)

    def right(self, share=0.5):
        return (self.x + self.width, self.y + share * self.height)


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def towards(start, end, length):
    distance = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    share = min(1, length / distance) if distance else 0
    return (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))


class Picture:
    def __init__(self, name, title, description):
        self.name, self.title, self.description, self.items, self.height = name, title, description, [], 0
        self.text(16, 28, title, style="b", anchor="start")

    def add(self, item):
        self.items.append(item)

    def text(self, x, y, markup, size=TEXT, style="", anchor="middle", muted=False):
        kind = " ".join(filter(None, ("m" if muted else "t", style)))
        self.add(f'<text x="{number(x)}" y="{number(y)}" class="{kind}" font-size="{size}" text-anchor="{anchor}">'
                 f"{spans(markup, size)}</text>")

    def lines(self, x, y, rows, size=SMALL, muted=True, step=19, anchor="start"):
        for i, row in enumerate(rows):
            self.text(x, y + i * step, row, size, anchor=anchor, muted=muted)
        return y + len(rows) * step

    def box(self, x, y, width, height, kind="main", rows=(), radius=6, sizes=()):
        """A box with lines of text, their middle in the box's middle."""
        self.add(f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" rx="{radius}" '
                 f'class="{kind}"/>')
        step = 20
        for i, row in enumerate(rows):
            size = sizes[i] if i < len(sizes) else TEXT
            self.text(x + width / 2, y + height / 2 + (i - (len(rows) - 1) / 2) * step + 0.34 * size, row, size)
        return Box(x, y, width, height)

    def centred(self, cx, y, width, height, kind="main", rows=(), **more):
        return self.box(cx - width / 2, y, width, height, kind, rows, **more)

    def pill(self, cx, cy, width, markup, kind="main"):
        return self.box(cx - width / 2, cy - 14, width, 28, kind, [markup], radius=14)

    def op(self, cx, cy, symbol):
        """A small circle that joins what runs into it."""
        radius = 11
        self.add(f'<circle cx="{number(cx)}" cy="{number(cy)}" r="{radius}" class="op"/>')
        self.text(cx, cy + 5.5, symbol, 16)
        return Box(cx - radius, cy - radius, 2 * radius, 2 * radius)

    def dot(self, x, y):
        self.add(f'<circle cx="{number(x)}" cy="{number(y)}" r="3" class="head"/>')

    def line(self, *points, weight=False, arrow=True):
        """A line through the points with round corners; the arrow's tip is the last point."""
        kind = "w" if weight else ""
        path, end = [f"M{number(points[0][0])} {number(points[0][1])}"], points[-1]
        if arrow:
            end = towards(points[-1], points[-2], HEAD - 1)
        for before, at, after in zip(points, points[1:-1], points[2:]):
            start, stop = towards(at, before, CORNER), towards(at, after, CORNER)
            path.append(f"L{number(start[0])} {number(start[1])}Q{number(at[0])} {number(at[1])} "
                        f"{number(stop[0])} {number(stop[1])}")
        path.append(f"L{number(end[0])} {number(end[1])}")
        self.add(f'<path d="{"".join(path)}" class="{kind}line"/>')
        if arrow:
            self.head(points[-2], points[-1], f"{kind}head")

    def head(self, before, tip, kind):
        back = towards(tip, before, HEAD)
        across = (0, 4.5) if before[1] == tip[1] else (4.5, 0)
        corners = (tip, (back[0] + across[0], back[1] + across[1]), (back[0] - across[0], back[1] - across[1]))
        self.add(f'<path d="M{"L".join(f"{number(x)} {number(y)}" for x, y in corners)}Z" class="{kind}"/>')

    def cells(self, x, y, shares, size, kind="ch", gap=1):
        """A grid of squares, each as strong as its share says; `shares` is a list of rows."""
        for i, row in enumerate(shares):
            for j, share in enumerate(row):
                self.add(f'<rect x="{number(x + j * size)}" y="{number(y + i * size)}" width="{number(size - gap)}" '
                         f'height="{number(size - gap)}" class="{kind}" fill-opacity="{share:.2f}"/>')
        return Box(x, y, len(shares[0]) * size - gap, len(shares) * size - gap)

    def legend(self, y):
        """Two rows from y on; the picture ends below them."""
        self.line((16, y), (52, y))
        self.text(62, y + 4.5, "values", SMALL, anchor="start", muted=True)
        self.line((16, y + 24), (52, y + 24), weight=True)
        self.text(62, y + 28.5, "values used as weights", SMALL, anchor="start", muted=True)
        self.box(246, y - 7, 24, 14, "hyper", radius=4)
        self.text(280, y + 4.5, "hypernetwork", SMALL, anchor="start", muted=True)
        self.box(246, y + 17, 24, 14, "main", radius=4)
        self.text(280, y + 28.5, "main network", SMALL, anchor="start", muted=True)
        self.height = y + 44

    def svg(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" viewBox="0 0 {WIDTH} {self.height}" '
                f'role="img" aria-labelledby="title desc">\n<title id="title">{escape(self.title)}</title>\n'
                f'<desc id="desc">{escape(self.description)}</desc>\n<style>{STYLE}</style>\n'
                f'<rect width="{WIDTH}" height="{self.height}" rx="8" class="paper"/>\n' + "\n".join(self.items) + "\n</svg>\n")


def pattern(rows, columns, seed):
    """Shares that look like numbers of a matrix, equal on every machine."""
    state, out = seed, []
    for _ in range(rows):
        row = []
        for _ in range(columns):
            state = (state * 1103515245 + 12345) % 2147483648
            row.append(0.15 + 0.8 * ((state >> 16) % 1000) / 1000)
        out.append(row)
    return out


# ---- the pictures ----------------------------------------------------------------------------------------------------

def static():
    p = Picture("static", "Static hypernetwork: kernels from layer embeddings",
                "Learned embeddings z1 to zL, E numbers each, go into one generator shared by all layers. For each layer it makes a "
                "kernel, which the convolution of that layer uses like a stored one. The loss is differentiated through the kernels "
                "into generator and embeddings.")
    centres = (132, 248, 376)
    names = ("1", "2", "L")
    generator = p.box(16, 142, 448, 142, "hyper")
    p.text(240, 168, "generator, one for all layers", style="b")
    p.text(240, 197, "$a_i = W_i z^j + B_i$,   $i = 1 … C_{\"in\"}$     $[d]$")
    p.text(240, 224, "$K_i^j = W_{\"out\"} a_i + B_{\"out\"}$     $[C_{\"out\"}·f·f]$")
    p.text(240, 249, "$W_i$ $[d,E]$,   $B_i$ $[d]$,   $W_{\"out\"}$ $[C_{\"out\"}·f·f,d]$,   $B_{\"out\"}$ $[C_{\"out\"}·f·f]$", SMALL, muted=True)
    p.text(240, 271, "$d(E+1)C_{\"in\"} + f^2C_{\"out\"}(d+1)$ learned numbers", SMALL, muted=True)
    convolutions = []
    for index, (cx, name) in enumerate(zip(centres, names)):
        p.text(cx, 67, f"$z^{name}$ $[E]$")
        p.cells(cx - 36, 76, pattern(1, 4, 11 + index), 18)
        p.line((cx, 93), (cx, generator.y))
        for offset in (12, 6, 0):  # C_in slices, one behind the other
            p.add(f'<rect x="{number(cx - 30 + offset)}" y="{number(326 - offset)}" width="49" height="49" class="paper"/>')
            p.cells(cx - 29 + offset, 327 - offset, pattern(4, 4, 31 + 7 * index + offset), 12)
        p.line((cx, generator.bottom()[1]), (cx, 312))
        p.text(cx, 396, f"$K^{name}$")
        p.line((cx, 404), (cx, 440), weight=True)
        convolutions.append(p.centred(cx, 440, 74, 36, "main", [f"conv ${name}$"]))
    for y in (90, 358, 462):
        p.text(312, y, "…")
    p.text(16, 118, "embeddings", SMALL, anchor="start", muted=True)
    p.text(16, 356, "kernels", SMALL, anchor="start", muted=True)
    p.text(16, 396, "$[C_{\"in\"},C_{\"out\"},f,f]$", SMALL, anchor="start", muted=True)
    image = p.centred(36, 442, 40, 32, "main", ["$x$"])
    classes = p.centred(448, 442, 32, 32, "main", ["$y$"])
    p.line(image.right(), convolutions[0].left())
    p.line(convolutions[0].right(), convolutions[1].left())
    p.line(convolutions[1].right(), (302, 458), arrow=False)
    p.line((322, 458), convolutions[2].left())
    p.line(convolutions[2].right(), classes.left())
    y = p.lines(16, 508, ["The main network cannot tell a made kernel from a stored one.",
                          "The loss is differentiated through it, into generator and", "embeddings."])
    tiles = p.cells(16, y + 4, [[0.25, 0.45, 0.35, 0.5], [0.5, 0.3, 0.45, 0.4]], 36, gap=2)
    for i in range(8):
        p.text(33 + i % 4 * 36, y + 27 + i // 4 * 36, f"$z^{i + 1}$", SMALL)
    p.lines(tiles.x + tiles.width + 18, y + 21, ["A kernel of 32×64 channels is 2×4 tiles", "of 16×16, all by the same generator, each",
                                                 "from an embedding of its own."])
    p.legend(y + 104)
    return p


def dynamic():
    p = Picture("dynamic", "Dynamic hypernetwork: a HyperRNN over three steps",
                "Two recurrent networks side by side in time. At each step the small one, with state h-hat, reads the main network's "
                "last state and the input; from its new state come embeddings z, from these the scaling vectors d and a bias b, and "
                "these scale the rows of the main network's matrices in the same step.")
    names = ("t" + MINUS + "1", "t", "t+1")
    hyper_before, main_before = (8, 70), (8, 285)
    for cx, name in zip((100, 250, 400), names):
        hyper = p.centred(cx, 56, 76, 46, "hyper", [f"$ĥ_{{{name}}}$"])
        z = p.centred(cx, 132, 92, 30, "hyper", ["$z_h$  $z_x$  $z_b$"])
        d = p.centred(cx, 192, 92, 30, "hyper", ["$d_h$  $d_x$  $b$"])
        main = p.centred(cx, 262, 76, 46, "main", [f"$h_{{{name}}}$"])
        x = p.pill(cx, 356, 64, f"$x_{{{name}}}$")
        riser = cx - 58
        p.line(hyper_before, (hyper.x, 70))
        p.line(main_before, main.left())
        p.line(x.top(), main.bottom())
        p.line(x.left(), (riser, x.cy), (riser, 90), (hyper.x, 90))
        p.dot(riser, main.cy)
        p.line(hyper.bottom(), z.top())
        p.line(z.bottom(), d.top())
        p.line(d.bottom(), main.top(), weight=True)
        hyper_before, main_before = (hyper.right()[0], 70), main.right()
    p.line(hyper_before, (472, 70))
    p.line(main_before, (472, 285))
    p.text(186, 246, "$[h; x]$", SMALL, anchor="end", muted=True)
    p.add('<rect x="8" y="388" width="464" height="172" rx="6" class="panel"/>')
    for i, row in enumerate((
            f"$ĥ_t = φ(Ŵ_h ĥ_{{t{MINUS}1}} + Ŵ_x [h_{{t{MINUS}1}}; x_t] + b̂)$",
            "$z_h = W_{ĥh} ĥ_t + b_{ĥh}$,   $z_x$ likewise,   $z_b = W_{ĥb} ĥ_t$",
            "$d_h = W_{hz} z_h$,   $d_x = W_{xz} z_x$,   $b = W_{bz} z_b + b_0$",
            f"$h_t = φ(d_h ⊙ W_h h_{{t{MINUS}1}} + d_x ⊙ W_x x_t + b)$")):
        p.text(20, 414 + i * 28, row, anchor="start")
    p.lines(20, 526, ["$h$, $d_h$, $d_x$, $b$ $[N]$;   $ĥ$ $[M]$, $M$ far below $N$;   $z$ $[E]$;   $x$ $[X]$", "$φ$ is tanh or relu"])
    p.legend(586)
    return p


def scaling():
    p = Picture("scaling", "Two ways from an embedding to a matrix",
                "Left, the full form: the matrix is the sum of E learned matrices, each times one element of z. Right, the scaled form: "
                "a vector d made from z scales the rows of one learned matrix.")
    p.add('<rect x="8" y="44" width="228" height="276" rx="6" class="panel"/>')
    p.add('<rect x="244" y="44" width="228" height="276" rx="6" class="panel"/>')
    p.text(122, 70, "full form", style="b")
    p.text(358, 70, "scaled form", style="b")
    first, second = pattern(5, 5, 3), pattern(5, 5, 77)
    p.text(34, 113, "$z[1]$", SMALL)
    p.cells(54, 86, first, 9)
    p.text(76, 148, "$W_1$", SMALL)
    p.text(122, 113, "+ … +", SMALL)
    p.text(163, 113, "$z[E]$", SMALL)
    p.cells(183, 86, second, 9)
    p.text(205, 148, "$W_E$", SMALL)
    mixed = [[0.35 * a + 0.65 * b for a, b in zip(*rows)] for rows in zip(first, second)]
    p.text(66, 208, "$=$")
    p.cells(85, 166, mixed, 15)
    p.text(122, 266, "$W_h(z) = Σ_k\u2009z[k]\u2009W_k$")
    p.lines(122, 289, ["$E$ matrices $[N,N]$:", "$E$ times the memory"], anchor="middle")
    d = [0.25, 0.95, 0.5, 0.75, 0.12]
    p.cells(312, 86, [[share] for share in d], 9)
    p.text(316, 148, "$d_h$", SMALL)
    p.text(339, 113, "$⊙$")
    p.cells(358, 86, first, 9, "cm")
    p.text(380, 148, "$W_h$", SMALL)
    p.text(302, 208, "$=$")
    p.cells(321, 166, [[scale * share for share in row] for scale, row in zip(d, first)], 15, "cm")
    p.text(358, 266, "$d_h ⊙ W_h h$,   $d_h = W_{hz} z_h$")
    p.lines(358, 289, ["one matrix $[N,N]$,", "$N·E$ numbers more"], anchor="middle")
    p.height = p.lines(16, 346, ["A row of the matrix belongs to one unit: scaling it makes that", "unit listen more or less to what it hears. "
                                 "HyperLSTMs use the", "scaled form."]) - 1
    return p


def hyperlstm():
    p = Picture("hyperlstm", "One step of the HyperLSTM",
                "A small LSTM reads the main cell's last output and the input. Its new output makes twelve embeddings, three for each of "
                "the gates i, g, f, o; these make scaling vectors d_h and d_x and a bias b for each gate. The gates are the scaled "
                "products plus the bias, layer-normed if wanted, and drive an ordinary LSTM cell.")
    before = f"{{t{MINUS}1}}"
    h = p.pill(304, 66, 100, f"$h_{before}$ $[N]$")
    x = p.pill(412, 66, 96, "$x_t$ $[X]$")
    hyper = p.box(64, 132, 120, 62, "hyper", ["small LSTM", "$M$ units"])
    p.line((x.cx, 106), (hyper.cx, 106), hyper.top())
    p.text(214, 100, "$[h; x]$", SMALL, muted=True)
    p.line((hyper.x, 178), (40, 178), (40, 148), (hyper.x, 148))
    p.text(35, 168, "$ĥ,ĉ$", anchor="end")
    panel = p.box(36, 232, 176, 112, "hyper")
    for column, gate in enumerate("igfo"):
        p.text(93 + column * 33, 254, f"${gate}$", SMALL, muted=True)
    for row, name in enumerate(("z_h", "z_x", "z_b")):
        p.text(58, 273 + row * 26, f"${name}$")
        for column in range(4):
            p.cells(80 + column * 33, 265 + row * 26, pattern(1, 3, 5 + 4 * row + column), 9)
    p.line(hyper.bottom(), (hyper.cx, panel.y))
    p.text(hyper.cx + 9, 218, "$ĥ_t$ $[M]$", SMALL, anchor="start", muted=True)
    vectors = p.box(36, 384, 176, 56, "hyper", ["$d_h$     $d_x$     $b$", "$[4,N]$ each"], sizes=(TEXT, SMALL))
    p.line(panel.bottom(), vectors.top())
    p.text(panel.cx + 9, 368, "$[3,4,E]$", SMALL, anchor="start", muted=True)
    recurrent = p.centred(304, 264, 96, 52, "main", [f"$W_h h_{before}$", "$[4,N]$"], sizes=(TEXT, SMALL))
    given = p.centred(412, 264, 96, 52, "main", ["$W_x x_t$", "$[4,N]$"], sizes=(TEXT, SMALL))
    p.line(h.bottom(), recurrent.top())
    p.line(x.bottom(), given.top())
    p.dot(h.cx, 106)
    p.dot(x.cx, 106)
    gates = p.box(256, 384, 204, 56, "main", [f"$d_h ⊙ W_h h_{before}$", "$+ d_x ⊙ W_x x_t + b$"])
    p.line(recurrent.bottom(), (recurrent.cx, gates.y))
    p.line(given.bottom(), (given.cx, gates.y))
    p.line(vectors.right(), gates.left(), weight=True)
    norm = p.centred(gates.cx, 466, 168, 30, "main", ["layer norm, per gate"], sizes=(SMALL,))
    p.line(gates.bottom(), norm.top())
    centres = {"f": 104, "i": 200, "g": 296, "o": 412}
    words = {"f": "$σ(f+1)$", "i": "$σ(i)$", "g": "$\"tanh\"(g)$", "o": "$σ(o)$"}
    p.line(norm.bottom(), (norm.cx, 516), arrow=False)
    for gate in "fo":
        p.line((norm.cx, 516), (centres[gate], 516), (centres[gate], 536))
    for gate in "ig":
        p.line((centres[gate], 516), (centres[gate], 536))
        p.dot(centres[gate], 516)
    p.dot(norm.cx, 516)
    gate_boxes = {gate: p.centred(cx, 536, 84, 32, "main", [words[gate]]) for gate, cx in centres.items()}
    cell_before = p.pill(38, 650, 60, f"$c_{before}$")
    keep = p.op(104, 650, "×")
    write = p.op(248, 602, "×")
    total = p.op(248, 650, "+")
    p.line(cell_before.right(), keep.left())
    p.line(gate_boxes["f"].bottom(), keep.top())
    p.line(gate_boxes["i"].bottom(), (200, 602), write.left())
    p.line(gate_boxes["g"].bottom(), (296, 602), write.right())
    p.text(304, 588, "dropout", SMALL, anchor="start", muted=True)
    p.line(write.bottom(), total.top())
    p.line(keep.right(), total.left())
    cell = p.pill(336, 650, 84, "$c_t$ $[N]$")
    p.line(total.right(), cell.left())
    phi = p.centred(324, 696, 124, 30, "main", ["$\"tanh\"(\"LN\"(c_t))$"])
    p.line(cell.bottom(), (cell.cx, phi.y))
    out = p.op(412, 711, "×")
    p.line(gate_boxes["o"].bottom(), out.top())
    p.line(phi.right(), out.left())
    output = p.pill(412, 764, 84, "$h_t$ $[N]$")
    p.line(out.bottom(), output.top())
    p.lines(16, 716, ["Both layer norms are there only", "in an LN-HyperLSTM."])
    p.add('<rect x="8" y="796" width="464" height="150" rx="6" class="panel"/>')
    p.text(20, 820, "for every gate $i$, $g$, $f$, $o$", SMALL, anchor="start", muted=True)
    p.text(460, 820, "at the start", SMALL, anchor="end", muted=True)
    for i, (formula, start) in enumerate((
            ("$z_h = W_{ĥh} ĥ_t + b_{ĥh}$,   $z_x$ likewise", "$W_{ĥh} = 0$,   $b_{ĥh} = 1$"),
            ("$z_b = W_{ĥb} ĥ_t$", "$W_{ĥb}$ from $N(0, 0.01^2)$"),
            ("$d_h = W_{hz} z_h$,   $d_x = W_{xz} z_x$", "$W_{hz} = W_{xz} = 0.1/E$"),
            ("$b = W_{bz} z_b + b_0$", "$W_{bz} = b_0 = 0$"))):
        p.text(20, 848 + i * 27, formula, anchor="start")
        p.text(460, 848 + i * 27, start, SMALL, anchor="end", muted=True)
    p.legend(972)
    return p


def main(arguments):
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    different = 0
    for picture in (static(), dynamic(), scaling(), hyperlstm()):
        path, text = FOLDER / f"{picture.name}.svg", picture.svg()
        if not arguments:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"{path}: is not what tools/draw_diagrams.py draws: run it")
            different += 1
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
