"""Files of Verilog beside those of a SoC."""

from pathlib import Path

from ..verilog.emit import write

__all__ = ["add_verilog"]


def add_verilog(platform, module, text):
    """Write the Verilog of `module` to `gateware/` in the folder of the SoC's builder, and add it
    to the sources of the platform."""
    path = Path(platform.output_dir or "build") / "gateware" / f"{module}.v"
    write(path, text)
    platform.add_source(str(path))
