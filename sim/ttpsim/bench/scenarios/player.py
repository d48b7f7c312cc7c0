"""Plays scripts of constrained random one after another, as they are asked for.

Requests and answers are lines of JSON through two pipes whose paths are parameters of the run, so
that one simulator plays hundreds of scripts. An empty line ends it.
"""

import json

from ttpverif.bench.bench import scenario
from ttpverif.bench.player import play
from ttpverif.randomised.script import Script


@scenario
async def player(bench):
    with open(bench.params["requests"]) as requests, open(bench.params["answers"], "w") as answers:
        for line in requests:
            if not line.strip():
                return
            result = await play(bench, Script.from_dict(json.loads(line)))
            answers.write(json.dumps(result) + "\n")
            answers.flush()
