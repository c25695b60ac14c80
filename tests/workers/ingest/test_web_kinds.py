"""Pages as wikis, portals and generators of documentation write them."""

from pathlib import Path

import pytest

from workers.ingest.parse import parse_file


def blocks(folder: Path, content: str | bytes) -> list[str]:
    """Each block as it is shown, with its kind; rows with their caption."""
    path = folder / "made.html"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [
        " ".join(
            filter(
                None,
                (
                    f"{block.kind}:",
                    f"[{caption}]" if (caption := getattr(block, "caption", "")) else "",
                    getattr(block, "mark", ""),
                    block.text,
                ),
            )
        )
        for block in parse_file(path).blocks
    ]


def test_of_exported_wikis_the_text_alone_is_read(tmp_path: Path) -> None:
    confluence = """<h1 id="title-heading">HR : Travel</h1><div id="content" class="view">
<div class="page-metadata">Created by Ana, last modified on Mar 03, 2026</div>
<div id="main-content" class="wiki-content"><p>Book ten days ahead.</p>
<div class="toc-macro"><ul><li>Rates</ul></div><h2 id="Travel-Rates">Rates</h2>
<div class="expand-container"><div class="expand-content" style="display: none"><p>Taxis need a
receipt.</div></div></div>
<div class="pageSection"><h2>Attachments:</h2>a.png</div>
<div class="pageSection"><h2>Comments:</h2><p>Nice!</div></div>"""
    assert blocks(tmp_path, confluence) == [
        "paragraph: Book ten days ahead.", "heading: Rates", "paragraph: Taxis need a receipt.",
    ]  # fmt: skip
    mediawiki = """<div id="siteNotice">Down on Friday</div><h1>Parking</h1><div id="bodyContent">
<div id="siteSub">From Acme Wiki</div><div id="mw-content-text"><p>Parking is free after 18:00.</p>
<h2><span id="Fees">Fees</span><span class="mw-editsection">[<a href="e">edit</a>]</span></h2>
<p>Five euros.</div><div id="catlinks">Categories</div></div><div id="p-personal">Log in</div>"""
    assert blocks(tmp_path, mediawiki) == [
        "paragraph: Parking is free after 18:00.", "heading: Fees", "paragraph: Five euros.",
    ]  # fmt: skip


def test_the_links_to_a_heading_are_no_part_of_it(tmp_path: Path) -> None:
    page = """<h2 id="a">Linux<a class="hash-link" href="#a">#</a></h2><p>One.
<h2><a id="b" href="#b">#</a>C#</h2><p>Two.<h2>Mac <a class="headerlink" href="#c">¶</a></h2>"""
    found = [one for one in blocks(tmp_path, page) if one.startswith("heading")]
    assert found == ["heading: Linux", "heading: C#", "heading: Mac"]


def test_each_tab_says_what_it_is_for(tmp_path: Path) -> None:
    page = """<h1>Install</h1><ul role="tablist"><li role="tab">apt</li><li role="tab">dnf</li></ul>
<div role="tabpanel"><p>Use apt install.</div><div role="tabpanel" hidden><pre>dnf in</pre></div>
<div class="tabbed-labels"><label>Linux</label><label>Mac</label></div>
<div class="tabbed-block"><p>Use a shell.</div><div class="tabbed-block"><p>Use brew.</div>"""
    assert blocks(tmp_path, page) == [
        "paragraph: apt: Use apt install.", "paragraph: dnf:", "code: dnf in",
        "paragraph: Linux: Use a shell.", "paragraph: Mac: Use brew.",
    ]  # fmt: skip


def test_what_nobody_sees_is_not_read(tmp_path: Path) -> None:
    page = """<p>Fee <span style="text-decoration: line-through">10</span> 12 EUR, deposit
<span class="strikethrough">50</span> 60.<span class="sr-only">Opens a window</span>
<div class="d-none">no</div><div class="d-none d-md-block">Wide screens.</div><dialog>no</dialog>
<div class="accordion-body" hidden>Opened by a click.</div>"""
    assert blocks(tmp_path, page) == [
        "paragraph: Fee 12 EUR, deposit 60.", "paragraph: Wide screens.",
        "paragraph: Opened by a click.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "button"),
    [
        ("This website uses cookies to improve your experience.", "Accept all"),
        ("Wir verwenden Cookies auf dieser Seite.", "Alle akzeptieren"),
        ("Ce site utilise des cookies.", "J'accepte"),
        ("Мы используем файлы cookie.", "Принять"),
        ("当サイトはクッキーを使用します。", "同意する"),
    ],
)
def test_words_on_cookies_above_a_button_go(tmp_path: Path, words: str, button: str) -> None:
    page = f"""<meta charset=utf-8><div class="x7"><p>{words}</p><button>{button}</button></div>
<h1>Canteen</h1><p>Cookies are baked on Friday.</p><button>Accept</button>"""
    found = blocks(tmp_path, page + "<p>Lunch is at noon.<p>Dinner is at six.")
    assert not any(words in one for one in found)


def test_lists_count_as_they_are_told_to(tmp_path: Path) -> None:
    page = """<ol reversed><li>three<li>two<li>one</ol><ol reversed start=9><li>nine<li>eight</ol>
<ol style="list-style-type: lower-alpha"><li>x</ol><ol style="list-style:none"><li>n</ol>"""
    assert blocks(tmp_path, page) == [
        "item: 3. three", "item: 2. two", "item: 1. one", "item: 9. nine", "item: 8. eight",
        "item: a. x", "item: - n",
    ]  # fmt: skip


def test_a_cell_over_columns_or_the_table_belongs_to_all_of_them(tmp_path: Path) -> None:
    page = """<table><tr><th rowspan=2>City<th colspan=2>2026<tr><th>Low<th>High
<tr><td>Oslo<td colspan=2>closed<tr><td>Rome<td>1<td>2</table><p>Between.
<table><tr><th>Dish<th>Fee<tr><th colspan=2>Warm<tr><td>Stew<td>7<tr><td colspan=2><b>Cold</b>
<tr><td>Fish<td>8<tr><td colspan=2>All with bread.</table>"""
    assert blocks(tmp_path, page) == [
        "row: City: Oslo; 2026 > Low: closed; 2026 > High: closed.",
        "row: City: Rome; 2026 > Low: 1; 2026 > High: 2.",
        "paragraph: Between.",
        "row: [Warm] Dish: Stew; Fee: 7.", "row: [Cold] Dish: Fish; Fee: 8.",
        "paragraph: All with bread.",
    ]  # fmt: skip


def test_headings_in_the_first_column_name_rows(tmp_path: Path) -> None:
    page = "<table><tr><th>Name<td>Ana<tr><th>Phone<td>4711</table>"
    assert blocks(tmp_path, page) == ["row: Name: Ana.", "row: Phone: 4711."]


def test_each_meaning_has_its_term(tmp_path: Path) -> None:
    page = "<dl><dt>Permit<dd>A card.<dd>Valid a year.<dt>Disk<dd><p>1 TB<ul><li>SSD</ul></dl>"
    assert blocks(tmp_path, page) == [
        "row: Permit: A card.", "row: Permit: Valid a year.", "row: Disk: 1 TB.", "item: - SSD",
    ]  # fmt: skip


def test_formulas_and_marks_of_several_notes(tmp_path: Path) -> None:
    page = """<p>Size <math><mfrac><mn>1</mn><mn>2</mn></mfrac><mo>+</mo><!--
--><msup><mi>x</mi><mn>2</mn></msup></math>, 200<sup>1, 2</sup>
people, price<sup>*</sup> 5.<p>* plus tax"""
    assert blocks(tmp_path, page) == [
        "paragraph: Size 1/2+x^2, 200[1, 2] people, price 5 [plus tax]."
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_needs_no_mark(tmp_path: Path, encoding: str) -> None:
    found = blocks(tmp_path, "<p>Отпуск длится 28 дней.</p>".encode(encoding))
    assert found == ["paragraph: Отпуск длится 28 дней."]


def test_bold_questions_typed_marks_and_letters_that_refer_to_notes(tmp_path: Path) -> None:
    page = """<p><b>Who opens?</b><br>The porter<sup>a</sup>, from the 5<sup>th</sup>.</p>
<p>1. Ring<br>2. Wait</p><p>• Go in</p><p>No 7<sup>a</sup></p><p><sup>a</sup> Not on Sundays.</p>"""
    assert blocks(tmp_path, page) == [
        "question: Who opens?",
        "paragraph: The porter, from the 5th [Not on Sundays].",
        "item: 1. Ring",
        "item: 2. Wait",
        "item: - Go in",
        "paragraph: No 7[a] [a: Not on Sundays.]",
    ]
    assert blocks(tmp_path, "<p>La 1<sup>a</sup> vez.</p>") == ["paragraph: La 1a vez."]


def test_a_dash_before_a_figure_is_a_sign(tmp_path: Path) -> None:
    page = "<table><tr><th>Item<th>Change<tr><td>Rent<td>– 3,4 %</table><p>+ 49 30 1234</p>"
    assert blocks(tmp_path, page) == [
        "row: Item: Rent; Change: – 3,4 %.",
        "paragraph: + 49 30 1234",
    ]


def test_a_button_in_a_heading_is_the_title_of_what_it_opens(tmp_path: Path) -> None:
    page = """<h1>FAQ</h1><h2><button aria-expanded="false">Where is parking?</button></h2>
<div class="collapse">Behind it.</div><button class="accordion">Who pays?</button>
<div class="panel">The company.</div><p>See.</p><button>Send</button>"""
    assert blocks(tmp_path, page) == [
        "heading: Where is parking?", "paragraph: Behind it.", "question: Who pays?",
        "paragraph: The company.", "paragraph: See.",
    ]  # fmt: skip


def test_a_list_of_typed_notes_stands_where_its_marks_are(tmp_path: Path) -> None:
    page = "<p>Room<sup>2)</sup> and desk<sup>3)</sup>.</p><p>2) In May.</p><p>3) Not today.</p>"
    assert blocks(tmp_path, page) == ["paragraph: Room and desk [In May] [Not today]."]


def test_tables_in_headings_of_tables_grow_no_faster_than_the_page(tmp_path: Path) -> None:
    inner = "<p>" + "Some words. " * 40 + "</p>"
    for _ in range(15):
        inner = (
            f"<table><tr><th>{inner}</th><th>B</th></tr>" + "<tr><td>1<td>2</tr>" * 9 + "</table>"
        )
    assert sum(map(len, blocks(tmp_path, inner))) < 20 * len(inner)
