"""PDFs of text and lines at places, written for tests."""

from collections.abc import Sequence

Text = tuple[float, float, str] | tuple[float, float, str, float]
"""Where it begins, its base line, what it says, and how large: 10 if not said."""


def page(
    *texts: Text, bold: Sequence[Text] = (), lines: Sequence[tuple[float, ...]] = (), more: str = ""
) -> str:
    """What is drawn on a page. A line runs from (x, y) to (x, y)."""
    drawn = [_shown(text, font) for font, some in ((1, texts), (2, bold)) for text in some]
    drawn += [f"{a} {b} m {c} {d} l S" for a, b, c, d in lines]
    return "\n".join([*drawn, more])


def _shown(text: Text, font: int) -> str:
    x, y, said, *size = text
    letters = said.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F{font} {size[0] if size else 10} Tf {x} {y} Td ({letters}) Tj ET"


def grid(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float, float, float]]:
    """The lines of a table."""
    across = [(xs[0], y, xs[-1], y) for y in ys]
    return [*across, *((x, ys[0], x, ys[-1]) for x in xs)]


def pdf_of(*pages: str) -> bytes:
    fonts = [
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
        for name in ("Helvetica", "Helvetica-Bold", "Courier")
    ]
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", *fonts]
    kids = []
    for content in pages:
        kids.append(f"{len(objects) + 1} 0 R")
        used = " ".join(f"/F{number} {number + 2} 0 R" for number in (1, 2, 3))
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]"
            f" /Resources << /Font << {used} >> >> /Contents {len(objects) + 2} 0 R >>"
        )
        objects.append(
            f"<< /Length {len(content.encode('cp1252'))} >>\nstream\n{content}\nendstream"
        )
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    body = "%PDF-1.4\n" + "".join(f"{n} 0 obj\n{one}\nendobj\n" for n, one in enumerate(objects, 1))
    return (body + "trailer << /Root 1 0 R >>\n%%EOF").encode("cp1252")
