"""One reader for each format: the bytes of a file in, blocks out.

Readers run in a child process (`sandbox`) and may raise anything. None fetches what a file names.
"""

from collections.abc import Iterator, Mapping

from workers.ingest.formats.code import read_code
from workers.ingest.formats.data import read_json, read_toml, read_yaml
from workers.ingest.formats.document import About, Block, Format
from workers.ingest.formats.docx import read_docx
from workers.ingest.formats.email import read_email
from workers.ingest.formats.epub import read_epub
from workers.ingest.formats.html import read_html
from workers.ingest.formats.markdown import read_markdown
from workers.ingest.formats.members import Reader, read_zip
from workers.ingest.formats.odt import read_odt
from workers.ingest.formats.pdf import read_pdf
from workers.ingest.formats.plain import read_text
from workers.ingest.formats.rtf import read_rtf
from workers.ingest.formats.separated import read_table
from workers.ingest.formats.sheets import read_sheets
from workers.ingest.formats.slides import read_slides

_OF_FILES: Mapping[Format, Reader] = {
    Format.MARKDOWN: read_markdown,
    Format.HTML: read_html,
    Format.TEXT: read_text,
    Format.TABLE: read_table,
    Format.PDF: read_pdf,
    Format.DOCX: read_docx,
    Format.SHEETS: read_sheets,
    Format.SLIDES: read_slides,
    Format.ODT: read_odt,
    Format.RTF: read_rtf,
    Format.EPUB: read_epub,
    Format.JSON: read_json,
    Format.YAML: read_yaml,
    Format.TOML: read_toml,
    Format.CODE: read_code,
}
"""Those that a ZIP or a mail may hold: neither is read within another."""


def _read_email(content: bytes, about: About) -> Iterator[Block]:
    return read_email(content, about, _OF_FILES)


def _read_zip(content: bytes, about: About) -> Iterator[Block]:
    return read_zip(content, about, _OF_FILES)


READERS: Mapping[Format, Reader] = {
    **_OF_FILES,
    Format.EMAIL: _read_email,
    Format.ZIP: _read_zip,
}
