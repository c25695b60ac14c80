"""One reader for each format: the bytes of a file in, blocks out.

Readers run in a child process (`sandbox`) and may raise anything. None fetches what a file names.
"""

from collections.abc import Callable, Iterator, Mapping

from workers.ingest.formats.document import About, Block, Format
from workers.ingest.formats.docx import read_docx
from workers.ingest.formats.html import read_html
from workers.ingest.formats.markdown import read_markdown
from workers.ingest.formats.pdf import read_pdf
from workers.ingest.formats.text import read_table, read_text

READERS: Mapping[Format, Callable[[bytes, About], Iterator[Block]]] = {
    Format.MARKDOWN: read_markdown,
    Format.HTML: read_html,
    Format.TEXT: read_text,
    Format.TABLE: read_table,
    Format.PDF: read_pdf,
    Format.DOCX: read_docx,
}
