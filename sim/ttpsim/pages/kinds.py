"""`ttpoe pages`: what the documentation has from code and results, each kind by its name."""

import sys

from ttpsim.paths import BUILD, ROOT
from ttpverif.cli.errors import UsageError

__all__ = ["KINDS", "main"]

REGISTERS = ROOT / "docs" / "reference" / "registers.md"


def _tables():
    from ttpsim.pages import pages, parts, state_table

    made = {pages.DOCS / name: text for name, text in pages.committed().items()}
    made |= state_table.made()
    return {**made, **parts.pages(made)}


def _registers():
    from ttpoe.config import preset
    from ttpoe.csr import documents

    config = preset("default")
    return {
        REGISTERS: documents.page(config),
        BUILD / "registers" / "ttp_registers.h": documents.c_header(config),
        BUILD / "registers" / "ttp_registers.rdl": documents.systemrdl(config),
    }


def _pictures():
    from ttpsim.pages import pictures

    return pictures.made()


def _formal():
    from ttpformal import document

    return document.made()


def _coverage():
    from ttpsim.coverage import macs, run

    return dict([run.document()]) | macs.document()


def _mutation():
    from ttpsim.mutation import __main__ as mutation

    return dict([mutation.document()])


KINDS = {
    "tables": _tables,
    "registers": _registers,
    "pictures": _pictures,
    "formal": _formal,
    "coverage": _coverage,
    "mutation": _mutation,
}
"""Kind -> what makes `{path: text}`; each imports only what it needs."""


def _stale(files):
    """The files whose text is not what it should be."""
    return [path for path, text in files.items() if not path.exists() or path.read_text() != text]


def main(arguments):
    """What `ttpoe pages` does; exit code 0, or 1 if a page is not up to date and was checked."""
    kinds = arguments.kind or ["tables", "registers"]
    if arguments.collect:
        if "tables" not in kinds or arguments.check:
            raise UsageError("--collect goes with tables, and not with --check")
        from ttpsim.pages import state_table

        state_table.collect()
    if arguments.thousand:
        if "tables" not in kinds or arguments.check:
            raise UsageError("--thousand goes with tables, and not with --check")
        from ttpsim.pages import thousand

        for path in arguments.thousand:
            thousand.keep(path)
    if arguments.sample:
        from ttpsim.pages import parts

        parts.keep_sample()
    if arguments.printed:
        from ttpsim.pages import printed

        printed.keep()
    code = 0
    for kind in kinds:
        files = KINDS[kind]()
        if arguments.check:
            for path in _stale(
                {path: text for path, text in files.items() if not path.is_relative_to(BUILD)}
            ):
                code = 1
                print(
                    f"{path.relative_to(ROOT)} is not up to date: run `ttpoe pages {kind}`",
                    file=sys.stderr,
                )
            continue
        for path in _stale(files):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
            print(f"{path.relative_to(ROOT)}: written")
    return code
