"""The site has every page and loads nothing from elsewhere; broken links are found."""

import html
import importlib.util
import json
import re
import shutil
import subprocess

import pytest

from tests.docs.pages import PAGES, ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_mkdocs = pytest.mark.skipif(
    importlib.util.find_spec("material") is None,
    reason="mkdocs-material is missing: make docs installs it",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    from ttpsim.pages.__main__ import build

    output = tmp_path_factory.mktemp("site") / "docs"
    return output, build(output)


def content(text):
    """The text of a page's own part, without navigation."""
    return text[text.index("<article") : text.index("</article>")]


@needs_mkdocs
def test_every_page_is_there_and_in_the_navigation(site):
    output, pages = site
    index = (output / "index.html").read_text()
    for page in pages:
        assert (output / f"{page}.html").is_file(), page
        assert page == "index" or f'href="{page}.html"' in index, f"{page} is not in the navigation"
    assert {
        str(path.relative_to(ROOT / "docs").with_suffix(""))
        for path in (ROOT / "docs").rglob("*.md")
    } <= pages


@needs_mkdocs
def test_every_picture_of_a_block_is_shown(site):
    output, _pages = site
    shown = {
        name
        for path in output.rglob("*.html")
        for name in re.findall(r'<img[^>]*src="[./]*pictures/([\w-]+)\.svg"', path.read_text())
    }
    assert shown == {path.stem for path in (ROOT / "docs" / "pictures").glob("*.svg")}


@needs_mkdocs
def test_nothing_is_loaded_from_elsewhere(site):
    output, _pages = site
    for path in [*output.rglob("*.html"), *output.rglob("*.css")]:
        text = path.read_text()
        loaded = re.findall(r'<(?:script|img|iframe)[^>]*\bsrc="(https?://[^"]*)', text)
        loaded += re.findall(
            r'<link[^>]*rel="(?:stylesheet|preconnect|icon)"[^>]*href="(https?:[^"]*)', text
        )
        loaded += re.findall(r"(?:@import\s*|url\()\s*['\"]?(https?://[^)'\"]*)", text)
        assert not loaded, f"{path.name}: {loaded}"


WIDE = """
addEventListener("load", () => {
  const wide = [], tables = document.querySelectorAll("article table");
  for (const table of tables)
    for (let box = table; box.tagName != "ARTICLE"; box = box.parentElement)
      if (box.scrollWidth > box.clientWidth + 2) wide.push(table.innerText.slice(0, 60));
  document.title = `tables ${tables.length} wide ${JSON.stringify(wide)} end`;
});
"""


def too_wide(page, folder, script=WIDE):
    """`(tables, the beginnings of those that are cut off)` of a page in a window of 1,400 pixels."""
    copy = page.with_name(f"wide-{page.name}")
    copy.write_text(page.read_text().replace("</body>", f"<script>{script}</script></body>"))
    words = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-sync"
    words += f" --no-first-run --user-data-dir={folder} --window-size=1400,1000 --dump-dom"
    command = [CHROMIUM, *words.split(), "--virtual-time-budget=5000", copy.as_uri()]
    try:
        dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    finally:
        copy.unlink()
    found = re.search(r"<title>tables (\d+) wide (.*?) end</title>", dom)
    return int(found[1]), json.loads(html.unescape(found[2]))


@needs_mkdocs
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: apt-get install chromium")
@pytest.mark.parametrize("page", ["reference/registers", "evidence/performance"])
def test_no_table_is_cut_off(site, tmp_path, page):
    output, _pages = site
    tables, wide = too_wide(output / f"{page}.html", tmp_path / "profile")
    assert tables and not wide


@needs_mkdocs
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: apt-get install chromium")
def test_a_table_that_is_cut_off_is_found(site, tmp_path):
    output, _pages = site
    widen = 'document.querySelector("article table td").style.minWidth = "1200px";'
    _tables, wide = too_wide(
        output / "reference/registers.html", tmp_path / "profile", widen + WIDE
    )
    assert wide


@needs_mkdocs
def test_links_and_anchors_between_the_files(site):
    """mkdocs checks its pages; this checks what came out, links in generated tables included."""
    output, _pages = site
    anchors = {
        path: set(re.findall(r'\bid="([^"]+)"', path.read_text()))
        for path in output.rglob("*.html")
    }
    for path in anchors:
        if path.name == "404.html":  # its links begin with /, for a server
            continue
        for target in re.findall(r'<a[^>]*\bhref="([^"]+)"', content(path.read_text())):
            if re.match(r"[a-z]+:", target):
                continue
            name, _hash, anchor = target.partition("#")
            there = (path.parent / name).resolve() if name else path
            assert there.is_file(), f"{path.name}: {target}"
            assert not anchor or anchor in anchors[there], f"{path.name}: {target}"


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """What is said of the site with one more page."""
    from ttpsim.pages import __main__ as website

    docs = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", docs)
    monkeypatch.setattr(website, "DOCS", docs)

    def said(text):
        (docs / "broken.md").write_text(f"# Broken\n\n{text}\n")
        with pytest.raises(website.SiteError) as error:
            website.build(tmp_path / "site")
        return str(error.value)

    return said


@needs_mkdocs
def test_a_broken_link_is_an_error(broken):
    links = ("gone.md", "start/quick-start.md#gone", "pictures/gone.svg")
    said = broken("\n".join(f"[x]({link})" for link in links))
    assert "\n" not in said and all(link.split("/")[-1] in said for link in links), said


@needs_mkdocs
def test_a_broken_link_to_the_repository_is_an_error(broken):
    assert broken("[x](../rtl/gone.py)") == (
        "a page links to rtl/gone.py, which is not a file of the repository"
    )


def test_the_command_says_what_is_wrong(monkeypatch, tmp_path):
    from ttpsim.pages import __main__ as website

    monkeypatch.setattr(website.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(website.SiteError, match="material is missing: run `make setup WITH=docs`"):
        website.build(tmp_path / "docs")


def github_anchors(text):
    """The anchors that a page has where it is read in the repository."""
    heads = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository(page):
    """Read in the repository links lead somewhere, too."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        name, _hash, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{target} is not there"
        if anchor and there.suffix == ".md":
            assert anchor in github_anchors(there.read_text()), f"{target}: no such heading"


def test_pages_of_blocks_follow_the_docstrings():
    from ttpsim.pages.contents import BLOCKS
    from ttpsim.pages.pages import block_page

    named = {source for block in BLOCKS for source in block.sources}
    rtl = ROOT / "rtl" / "ttpoe"
    for path in rtl.rglob("*.py"):
        name = str(path.relative_to(rtl).with_suffix(""))
        if "(wiring.Component)" in path.read_text():
            assert name in named, f"{name} is on no page: add it to sim/ttpsim/pages/contents.py"
    for name in named:
        assert (rtl / f"{name}.py").is_file(), name
    page = block_page(next(block for block in BLOCKS if block.page == "timer"))
    assert "| `cfg_timer_tick` | `In(24)` | Clocks from one visit to the next" in page
    assert "**Reset.** starts with link 0" in page


def test_docstrings_become_markdown():
    from ttpsim.pages.docstrings import markdown

    text = markdown("""Does <this> & `that | those`.

    Members
    -------
    i_a : In(1)
        First,
        second.
    i_b, i_c (`x.y`),
    i_d : In(2), o_e : Out(event `x`)
        Third.

    Timing: one clock.

        a ──► b

    - one
    - two
    """)
    assert text.splitlines()[0] == r"Does \<this> & `that \| those`."
    assert "| `i_a` | `In(1)` | First, second. |" in text
    assert "| `i_b`, i_c (`x.y`), `i_d` | `In(2)` | Third. |" in text
    assert "| `o_e` | Out(event `x`) |  |" in text
    assert "**Timing.** one clock.\n\n```text\na ──► b\n```\n\n- one\n- two" in text


def test_the_diagram_of_states_has_every_change():
    from ttpoe.link.state_table import TABLE
    from ttpsim.pages import states

    changes = {
        (state.name, after.name)
        for cells in TABLE.values()
        for state, rows in cells.items()
        for _g, _a, after in rows
        if state != after
    }
    assert set(states.edges()) == changes
    drawn = states.layout()
    assert len(drawn) == len(changes)
    boxes = [box for _line, box, _lines in drawn] + [
        (x - states._BOX[0] / 2, y - states._BOX[1] / 2, *states._BOX)
        for x, y in states._PLACES.values()
    ]
    for number, (left, top, width, height) in enumerate(boxes):
        assert 0 <= left and left + width <= states._WIDTH
        for left2, top2, width2, height2 in boxes[number + 1 :]:
            assert (
                left + width <= left2
                or left2 + width2 <= left
                or top + height <= top2
                or top2 + height2 <= top
            ), "a text covers another"
    text = states.svg()
    for state, events in states.edges().items():
        for event, actions in events.items():
            assert event in text and all(action in text for action in actions), state


def test_configuration_page_has_every_parameter_and_preset():
    import dataclasses

    from ttpoe.config import PRESETS, Config
    from ttpsim.pages.pages import configuration_page

    page = configuration_page()
    for field in dataclasses.fields(Config):
        row = next(line for line in page.splitlines() if line.startswith(f"| `{field.name}` |"))
        values = [cell.strip() for cell in row.split("|")[-4:-1]]
        number = "0x{:06X}" if field.name == "oui" else "{:,}"  # an OUI as it stands in a MAC
        assert values == [
            number.format(value) if isinstance(value, int) else value
            for value in (getattr(config, field.name) for config in PRESETS.values())
        ]


def test_performance_page_has_every_figure_in_words(monkeypatch):
    from ttpsim.pages import figures, performance

    text = performance.performance_page()
    found = json.loads((ROOT / "sim" / "ttpsim" / "bench" / "baseline.json").read_text())
    clocks = found["latency.tx_clocks"]
    assert f"| host's last beat to first beat on the wire | {clocks} clocks |" in text
    assert not [name for name in found if name in text], "a bare key"
    value = found["goodput.gbn_1pct_2.6us.default"]
    assert f"| `default`, 1 % lost, RTT 2.6 us, go-back-N | {100 * value:.1f} % |" in text
    monkeypatch.setattr(figures, "baseline", lambda: found | {"new.figure": 1})
    with pytest.raises(ValueError, match=r"no words for new\.figure"):
        performance.performance_page()


def test_a_part_that_is_out_of_date_is_written_anew():
    from ttpsim.pages import parts

    text = "a\n<!-- part: liteeth -->\nold\n<!-- end of part -->\nb\n"
    new = parts.filled(text)
    assert "LiteEth UDP, 8 bits" in new and "old" not in new
    assert new.startswith("a\n<!-- part: liteeth -->\n") and new.endswith(
        "<!-- end of part -->\nb\n"
    )
    assert parts.filled(new) == new
    with pytest.raises(KeyError):
        parts.filled(text.replace("liteeth", "nobody"))


def test_the_conversation_in_the_quick_start_is_as_the_ladder_draws_it():
    from ttpsim.pages import parts

    drawn = parts.ladder()
    assert drawn.count("──") > 10 and "CLOSE_ACK" in drawn
    assert drawn in (ROOT / "docs" / "start" / "quick-start.md").read_text()


def test_a_run_that_is_kept_as_the_sample(monkeypatch, tmp_path):
    from ttpsim.pages import parts

    run = dict.fromkeys(("simulator", "preset", "result", "remark"), "x")
    run |= {"test": "hello", "seed": 1, "frames": 6, "clocks": 4321}
    times = {"first_seconds": 9.4, "seconds": 61.0, "cores": 2}
    (tmp_path / "results.json").write_text(json.dumps(times | {"runs": [run]}))
    capture = tmp_path / parts.HELLO
    capture.parent.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "data" / "pcap" / "08_payload_lost.pcap", capture)
    monkeypatch.setattr(parts, "SAMPLE", tmp_path / "sample.json")
    parts.keep_sample(tmp_path / "results.json")
    assert "4,321" in parts.sample()
    assert "first result after 9 s, all after 61 s, on 2 cores." in parts.sample()
    assert "12 frames, 2 nodes" in parts.ladder.__wrapped__()


def test_every_scenario_is_in_the_readme():
    from ttpsim.pages import parts

    readme = (ROOT / "README.md").read_text()
    for path in (ROOT / "sim" / "ttpsim" / "scenarios").glob("[a-z]*.py"):
        assert f"| `{path.stem}` |" in readme, path.stem
    assert parts.scenarios() in readme
