"""Files to read, as bytes that a test writes: PDF object by object, DOCX with any body."""

import io
import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml.ns import nsdecls

from workers.ingest.formats.document import DocumentUnreadable
from workers.ingest.parse import Parsed, Parser, parse_file

EXAMPLES = Path(__file__).parents[3] / "examples" / "company" / "documents"


MEMORY_OF_PARENT = 100_000  # KB that it may grow by, whatever a child is fed


def read(folder: Path, name: str, content: str | bytes) -> Parsed:
    return parse_file(put(folder, name, content))


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        read(folder, name, content)
    return caught.value.reason


def refusal_by(parser: Parser, path: Path) -> str:
    with pytest.raises(DocumentUnreadable) as caught:
        parser.parse(path)
    return caught.value.reason


# DOCX


def word(document: docx.document.Document) -> bytes:
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


# PDF


def pdf(
    *pages: list[tuple[int, int, str]], title: str = "", others: dict[int, str] | None = None
) -> bytes:
    """Each page is lines of (y, size, text); `others` are objects, 2 is the root of the pages."""
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(pages)))
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        4: f"<< /Title ({title}) /ModDate (D:20260301120000Z) >>",
    }
    for number, lines in enumerate(pages):
        shown = "\n".join(f"BT /F1 {size} Tf 72 {y} Td ({text}) Tj ET" for y, size, text in lines)
        objects[10 + 2 * number] = (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R"
            f" >> >> /Contents {11 + 2 * number} 0 R >>"
        )
        objects[11 + 2 * number] = f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream"
    body, table = "%PDF-1.4\n", "xref\n0 1\n0000000000 65535 f \n"
    for number, content in sorted((objects | (others or {})).items()):
        table += f"{number} 1\n{len(body):010} 00000 n \n"
        body += f"{number} 0 obj\n{content}\nendobj\n"
    trailer = f"trailer << /Root 1 0 R /Info 4 0 R /Size 99 >>\nstartxref\n{len(body)}\n%%EOF"
    return (body + table + trailer).encode("latin-1")


def with_body(xml: str) -> bytes:
    """A DOCX whose document.xml is this."""
    content = io.BytesIO()
    given = zipfile.ZipFile(io.BytesIO(word(docx.Document())))
    with given, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in given.namelist():
            archive.writestr(name, xml if name == "word/document.xml" else given.read(name))
    return content.getvalue()


LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "laugh">' for n in range(10)
)


BODY = f"<w:document {nsdecls('w')}><w:body>{{}}</w:body></w:document>"
