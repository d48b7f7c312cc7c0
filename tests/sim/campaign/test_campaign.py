"""Campaigns: jobs that are run once, kept and united, whatever becomes of the workers."""

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import ttpverif.cli as cli
from ttpsim.campaign import job as jobs_module
from ttpsim.campaign import manifest
from ttpsim.campaign.job import Job, run_job
from ttpsim.campaign.revision import revision
from ttpsim.campaign.run import campaign
from ttpsim.campaign.store import Store
from ttpsim.cli import campaign as command

pytest.importorskip("distributed", reason="make setup WITH=campaign")
from ttpsim.campaign import cluster

ROOT = Path(__file__).resolve().parents[3]
# The command, though it may not be installed yet.
_COMMAND = """
import sys
from ttpsim.cli import campaign
from ttpverif import cli
from ttpverif.cli import model
cli.commands = lambda *_: {"campaign": campaign, "model": model}
sys.exit(cli.main())
"""
SMALL = ("model", "--payloads", "100")


def small(*seeds):
    """Jobs of a second."""
    now = revision()
    return [Job.of((*SMALL, "--seed", str(seed)), now, seed) for seed in seeds]


def runs(pid):
    """Whether the process has not ended; a zombie has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_text())
    except OSError:
        return False


def is_job(pid):
    """Not git, which a worker asks for its revision."""
    try:
        return "ttpverif.cli" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def children(pid):
    """The jobs that this process has started, and that run."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has ended
            found += map(int, path.read_text().split())
    return list(filter(is_job, found))


def long_jobs():
    """Processes of the job that Ctrl-C ends."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if "100000\0--seed\x0077" in path.read_text():
                found.append(path)
    return found


def kill_one_at_work(pids):
    """Kill the first of these that runs a job; `[it, what it ran]`, nothing if none does so."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for pid in pids:
            if at_work := children(pid):
                os.kill(pid, signal.SIGKILL)
                return [pid, *at_work]
        time.sleep(0.01)
    return []


def test_a_killed_worker_loses_nothing(tmp_path):
    """Its job is done by another, and every job is counted once."""
    jobs, store, ended = small(*range(1, 7)), Store(tmp_path), []
    with cluster.connected(2) as client, ThreadPoolExecutor() as pool:
        workers = list(client.run(os.getpid).values())
        killed = pool.submit(kill_one_at_work, workers)
        cluster.drive(
            client, jobs, store, lambda job, record: ended.append((job.key, record.get("code")))
        )
        assert len(killed.result()) > 1, "no worker was at work"
    assert sorted(ended) == sorted((job.key, 0) for job in jobs)
    assert sorted(record["seed"] for record in store.all()) == [1, 2, 3, 4, 5, 6]


def test_what_a_killed_worker_had_started_ends():
    endless = Job.of(("model", "--payloads", "100000"), revision())
    worker = multiprocessing.get_context("spawn").Process(target=run_job, args=(endless,))
    worker.start()
    lost = kill_one_at_work([worker.pid])
    until = time.monotonic() + 30
    while any(map(runs, lost)) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(lost) > 1 and not any(map(runs, lost))


def test_workers_of_a_scheduler(tmp_path):
    """Its address is all that is known of it."""
    with cluster.connected(1) as client:
        address = client.scheduler.address
        found = campaign("x", small(1), Store(tmp_path), scheduler=address)
    assert [record["code"] for _job, record in found] == [0]


def test_ctrl_c_leaves_a_folder_that_goes_on(tmp_path):
    """Exit code 130 and one line; what was done is there, what was under way has ended."""
    file = tmp_path / "two.toml"
    file.write_text(
        '[[job]]\ncommand = "model --payloads 10"\n'
        '[[job]]\ncommand = "model --payloads 100000"\nseeds = [77]\n'
    )
    words = [sys.executable, "-c", _COMMAND, "campaign", file, "-o", tmp_path, "--jobs", "1"]
    process = subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT
    )
    until = time.monotonic() + 200
    while not (Store(tmp_path).all() and long_jobs()) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _out, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == "ttpoe campaign: interrupted; 1 of 2 jobs are done; the same command goes on\n"
    assert len(Store(tmp_path).all()) == 1
    until = time.monotonic() + 30
    while long_jobs() and time.monotonic() < until:
        time.sleep(0.05)
    assert not long_jobs()


def test_what_is_there_is_not_run_again(tmp_path, monkeypatch):
    jobs, store, ran = small(1, 2), Store(tmp_path), []

    def drive(_client, left, store, done):
        for job in left:
            ran.append(job.seed)
            record = {"key": job.key, "code": job.seed == 2, "seed": job.seed}
            store.put(record)
            done(job, record)

    monkeypatch.setattr(cluster, "connected", lambda *_: open(os.devnull))
    monkeypatch.setattr(cluster, "drive", drive)
    found = campaign("x", jobs[:1], store)
    assert [record["seed"] for _job, record in found] == [1] and ran == [1]
    campaign("x", jobs, store)
    assert ran == [1, 2]
    campaign("x", jobs, store)
    assert ran == [1, 2]
    campaign("x", jobs, store, retry=True)
    assert ran == [1, 2, 2], "the one that failed"
    next(store.records.glob("*.json")).write_text("{half")
    campaign("x", jobs, store)
    assert len(ran) == 4


def test_a_job_is_its_command_seed_files_and_revision(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text("1")
    keys = {
        Job.of(("model", "--seed", "1"), "r").key,
        Job.of(("model", "--seed", "2"), "r").key,
        Job.of(("model", "--seed", "1"), "s").key,
        Job.of(("model", str(file)), "r").key,
    }
    file.write_text("2")
    keys.add(Job.of(("model", str(file)), "r").key)
    assert len(keys) == 5
    assert Job.of(("model", "--seed", "1"), "r").key in keys


def test_folders_unite(tmp_path):
    here, there = Store(tmp_path / "a"), Store(tmp_path / "b")
    for store, keys in ((here, "pq"), (there, "qr")):
        for key in keys:
            store.put({"key": key, "code": 0, "of": store.folder.name})
    assert here.merge(there.folder) == 1 and here.merge(there.folder) == 0
    assert {record["key"]: record["of"] for record in here.all()} == {"p": "a", "q": "a", "r": "b"}


def test_a_record_has_what_the_job_printed_and_wrote(monkeypatch):
    good = run_job(small(3)[0])
    assert good["code"] == 0 and good["result"] is None and "PASSED" in good["output"]
    assert good["command"] == "ttpoe model --payloads 100 --seed 3" and good["seed"] == 3
    bad = run_job(Job.of(("model", "--loss", "none"), revision()))
    assert bad["code"] == 2 and "--loss" in bad["output"]
    other = run_job(Job.of(SMALL, "another revision"))
    assert "has revision" in other["refused"] and "code" not in other

    def process(words, _output):
        Path(words[1]).write_text('{"goodput": 0.5}')
        Path(words[2]).write_text("clock,queue\n0,1\n")
        return 1

    monkeypatch.setattr(jobs_module, "_process", process)
    record = run_job(Job.of(("model", "{json}", "{csv}"), revision()))
    assert record["code"] == 1 and record["result"] == {"goodput": 0.5}
    assert record["table"].startswith("clock")


def test_what_did_not_end_is_not_kept(tmp_path):
    """Misused, killed, interrupted: it is run when the command is given again."""
    bad = [Job.of(("model", "--loss", "none"), revision())]
    store, ended = Store(tmp_path), []
    with cluster.connected(1) as client:
        cluster.drive(client, bad, store, lambda _job, record: ended.append(record["code"]))
    assert ended == [2] and store.all() == []


def test_the_file_of_a_campaign(tmp_path):
    path = tmp_path / "night.toml"
    path.write_text(
        '[[job]]\ncommand = "model"\nseeds = "1-3"\n'
        '[[job]]\ncommand = "mutate --mutant engine.{seed}"\nseeds = [7]\n'
        '[[job]]\ncommand = "fabric --results {json}"\n'
        '[[job]]\ncommand = "model --seed 2"\n'
    )
    found = manifest.jobs_of(path, "r")
    assert [job.command.removeprefix("ttpoe ") for job in found] == [
        "model --seed 1",
        "model --seed 2",
        "model --seed 3",
        "mutate --mutant engine.7",
        "fabric",
    ], "the last job is there already"
    assert [job.seed for job in found] == [1, 2, 3, 7, None]


def test_the_example_is_one():
    path = ROOT / "examples" / "campaign" / "night.toml"
    kinds = {job.words[0] for job in manifest.jobs_of(path, "r")}
    assert kinds == {"random", "soak", "fabric", "faults", "mutate", "synth", "formal"}


@pytest.fixture
def refused(monkeypatch, capsys):
    """What `ttpoe campaign` says; it is found though it may not be installed yet."""
    found = cli.commands()
    monkeypatch.setattr(cli, "commands", lambda *_: found | {"campaign": command})

    def run(*words):
        assert cli.main(["campaign", *map(str, words)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("ttpoe campaign: ") and error.count("\n") == 1
        return error

    return run


@pytest.mark.parametrize(
    "text, said",
    [
        ("[[job]\n", "it is no TOML"),
        ("a = 1\n", "it must have tables [[job]] and nothing else"),
        ("[[job]]\nseeds = 1\n", "job 1: it must have a `command`"),
        ('[[job]]\ncommand = "sim"\nseed = 1\n', "it does not take 'seed'"),
        ('[[job]]\ncommand = "simm"\n', "has no command 'simm'"),
        ('[[job]]\ncommand = "model --loss 99"\n', "--loss: must be from 0 to 90"),
        ('[[job]]\ncommand = "model"\nseeds = "5"\n', "seeds must be a number, a list"),
        ('[[job]]\ncommand = "model"\nseeds = "9-1"\n', "seeds must be a number, a list"),
        ('[[job]]\ncommand = "mutate --mutant engine.{seed}"\n', "{seed} needs `seeds`"),
        ('[[job]]\ncommand = "model \'"\n', "No closing quotation"),
        ('[[job]]\ncommand = "fabric sweep a.toml"\n', "a campaign is no job of a campaign"),
        ('[[job]]\ncommand = "model --help"\n', "--help and --version are no jobs"),
    ],
)
def test_bad_files(refused, tmp_path, text, said):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    assert said in refused(path)


def test_bad_input(refused, tmp_path, monkeypatch):
    assert "No such file" in refused(tmp_path / "none.toml")
    assert "such as tcp://host:8786" in refused("a.toml", "--scheduler", "host")
    path = tmp_path / "a.toml"
    path.write_text('[[job]]\ncommand = "model"\n')
    assert "is no folder of a campaign" in refused(path, "--merge", tmp_path, "-o", tmp_path)
    monkeypatch.setattr(cluster, "_SECONDS", 1)
    said = refused(path, "--scheduler", "tcp://127.0.0.1:1", "-o", tmp_path)
    assert "no Dask scheduler with a worker at tcp://127.0.0.1:1" in said
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "run `make setup WITH=campaign`" in refused(path)


def test_a_record_is_one_file(tmp_path):
    store = Store(tmp_path)
    store.put({"key": "k", "code": 0})
    assert [path.name for path in store.records.iterdir()] == ["k.json"]
    assert json.loads((store.records / "k.json").read_text())["code"] == 0
