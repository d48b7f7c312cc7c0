"""`ttpoe docs`: the site in build/docs. A link or anchor that leads nowhere is an error."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from ttpverif.cli.errors import UsageError

from .contents import NAVIGATION
from .pages import ROOT, generated

DOCS = ROOT / "docs"
ASSETS = ("style.css", "frame-worker.js")
# What the theme's plugin for pages without a server would load from elsewhere.
_FOREIGN_WORKER = "https://unpkg.com/iframe-worker/shim"
_LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")


class SiteError(UsageError):
    """One line: what is wrong."""


def _with_sources(name, text, sources):
    """The page docs/`name`; links to files outside of docs/ lead to copies of them in the site."""
    folder = os.path.dirname(f"docs/{name}")

    def found(match):
        there = os.path.normpath(os.path.join(folder, match[1]))
        if there.startswith("docs/"):
            return match[0]
        sources.add(there)
        return f"]({os.path.relpath(f'docs/source/{there}.txt', folder)}"

    return _LINK.sub(found, text)


def _indented(text):
    """Lists within lists: forges take two blanks for a level, mkdocs wants four."""
    if not re.search(r"^ {2}(?:[-*]|\d+\.) ", text, re.MULTILINE):
        return text
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(
        part if number % 2 else re.sub(r"^ +", lambda match: 2 * match[0], part, flags=re.MULTILINE)
        for number, part in enumerate(parts)
    )


def assemble(folder):
    """Write the site's sources; returns the names of its pages, without `.md`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder)
    for name in ASSETS:
        shutil.copy(Path(__file__).with_name(name), folder / name)
    sources, pages = set(), {}
    for path in DOCS.rglob("*.md"):
        pages[path.relative_to(DOCS).as_posix()] = path.read_text()
    for name, text in generated().items():
        if name in pages:
            raise SiteError(f"docs/{name} has the name of a page that is generated")
        pages[name] = text
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(_indented(_with_sources(name, text, sources)))
    for name in sorted(sources):
        if not (ROOT / name).is_file():
            raise SiteError(f"a page links to {name}, which is not a file of the repository")
        copy = folder / "source" / f"{name}.txt"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy)
    return {name.removesuffix(".md") for name in pages}


def navigation(pages):
    """mkdocs' `nav`; pages that nobody has put anywhere come last."""
    sections = [(title, [page for page in names if page in pages]) for title, names in NAVIGATION]
    rest = sorted(pages - {page for _title, names in NAVIGATION for page in names})
    return [
        {title: [f"{page}.md" for page in names]}
        for title, names in [*sections, ("More", rest)]
        if names
    ]


def configuration(sources, output, pages):
    """mkdocs' configuration. Nothing is loaded from elsewhere: no fonts, no scripts."""
    return {
        "site_name": "TTP engine",
        "docs_dir": str(sources),
        "site_dir": str(output),
        "nav": navigation(pages),
        "use_directory_urls": False,
        "extra_css": ["style.css"],
        "theme": {
            "name": "material",
            "font": False,
            "features": [
                "navigation.sections",
                "navigation.top",
                "navigation.footer",
                "content.code.copy",
                "search.highlight",
                "toc.follow",
            ],
            "palette": [
                {
                    "media": "(prefers-color-scheme: light)",
                    "scheme": "default",
                    "primary": "white",
                    "toggle": {"icon": "material/weather-night", "name": "dark"},
                },
                {
                    "media": "(prefers-color-scheme: dark)",
                    "scheme": "slate",
                    "primary": "black",
                    "toggle": {"icon": "material/weather-sunny", "name": "light"},
                },
            ],
        },
        "plugins": ["search", "offline"],
        "markdown_extensions": [
            "tables",
            "attr_list",
            "md_in_html",
            "sane_lists",
            "pymdownx.superfences",
            {"toc": {"permalink": True}},
            {"pymdownx.highlight": {"use_pygments": True}},
        ],
        "validation": {
            "omitted_files": "warn",
            "absolute_links": "warn",
            "anchors": "warn",
            "unrecognized_links": "warn",
            "not_found": "warn",
        },
    }


def build(output):
    """Make the site in `output`; `SiteError` says what is wrong."""
    if importlib.util.find_spec("material") is None:
        raise SiteError("mkdocs-material is missing: run `make setup WITH=docs`")
    sources = output.with_name(output.name + "-sources")
    pages = assemble(sources)
    file = sources.with_suffix(".yml")
    file.write_text(yaml.safe_dump(configuration(sources.resolve(), output.resolve(), pages)))
    # Not --quiet: with it, warnings no longer count.
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", file],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        lines = [
            line
            for line in (run.stdout + run.stderr).splitlines()
            if re.match(r"(WARNING|ERROR)", line)
        ]
        raise SiteError("; ".join(lines) or (run.stdout + run.stderr).strip()[-300:])
    for path in output.rglob("*.html"):
        text = path.read_text()
        if _FOREIGN_WORKER in text:
            own = "../" * (len(path.relative_to(output).parts) - 1) + "frame-worker.js"
            path.write_text(text.replace(_FOREIGN_WORKER, own))
    return pages


def main(arguments):
    """What `ttpoe docs` does."""
    output = arguments.output or ROOT / "build" / "docs"
    pages = build(output)
    print(f"{len(pages)} pages: {output / 'index.html'}")
