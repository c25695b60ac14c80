"""Which format a file is of: its name alone decides, never what is in it."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from workers.ingest.formats.document import Format, clean

LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        ".bash": "bash", ".bat": "bat", ".c": "c", ".cc": "cpp", ".cfg": "ini", ".clj": "clojure",
        ".conf": "ini", ".cpp": "cpp", ".cs": "csharp", ".css": "css", ".dart": "dart",
        ".ex": "elixir", ".exs": "elixir", ".go": "go", ".gradle": "groovy", ".graphql": "graphql",
        ".groovy": "groovy", ".h": "c", ".hcl": "hcl", ".hpp": "cpp", ".hs": "haskell",
        ".ini": "ini", ".java": "java", ".jl": "julia", ".js": "javascript", ".jsx": "jsx",
        ".kt": "kotlin", ".lua": "lua", ".mjs": "javascript", ".php": "php", ".pl": "perl",
        ".properties": "ini", ".proto": "protobuf", ".ps1": "powershell", ".py": "python",
        ".pyi": "python", ".r": "r", ".rb": "ruby", ".rs": "rust", ".scala": "scala",
        ".scss": "scss", ".sh": "sh", ".sql": "sql", ".swift": "swift", ".tf": "hcl",
        ".ts": "typescript", ".tsx": "tsx", ".zsh": "zsh",
    }
)  # fmt: skip
"""Of source code, by suffix: as it is named behind a fence of Markdown."""

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        ".md": Format.MARKDOWN,
        ".markdown": Format.MARKDOWN,
        ".html": Format.HTML,
        ".htm": Format.HTML,
        ".txt": Format.TEXT,
        ".text": Format.TEXT,
        ".rst": Format.TEXT,
        ".csv": Format.TABLE,
        ".tsv": Format.TABLE,
        ".pdf": Format.PDF,
        ".docx": Format.DOCX,
        ".xlsx": Format.SHEETS,
        ".xlsm": Format.SHEETS,
        ".xlsb": Format.SHEETS,
        ".xls": Format.SHEETS,
        ".ods": Format.SHEETS,
        ".pptx": Format.SLIDES,
        ".pptm": Format.SLIDES,
        ".odt": Format.ODT,
        ".rtf": Format.RTF,
        ".eml": Format.EMAIL,
        ".epub": Format.EPUB,
        ".json": Format.JSON,
        ".jsonl": Format.JSON,
        ".yaml": Format.YAML,
        ".yml": Format.YAML,
        ".toml": Format.TOML,
        ".zip": Format.ZIP,
        **dict.fromkeys(LANGUAGES, Format.CODE),
    }
)
"""What Ken reads, by suffix in small letters."""
FORMATS_IN_WORDS = (
    "Markdown, HTML, plain text, CSV, PDF, Word, Excel, PowerPoint, OpenDocument, RTF, email, "
    "EPUB, JSON, YAML, TOML, source code or ZIP"
)


def suffix_of(name: str) -> str:
    return clean(PurePosixPath(name).suffix.lower())[:20]


def format_of(name: str) -> Format | None:
    """None: not a format that Ken reads."""
    return FORMATS.get(suffix_of(name))
