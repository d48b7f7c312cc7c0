"""Records in a folder, a file each: what is there need not be done again, and folders unite."""

import json
import os
import tempfile

__all__ = ["Store", "finished"]

_FINAL = (0, 1)  # exit codes that say something of the project: right, wrong


def finished(record):
    """Whether a job has come to its end: it was not refused, misused, interrupted or killed."""
    return record.get("code") in _FINAL


class Store:
    """The folder of a campaign; a file is there whole or not at all."""

    def __init__(self, folder):
        self.folder = folder
        self.records = folder / "records"

    def _path(self, key):
        return self.records / f"{key}.json"

    def get(self, key):
        """The record; None if there is none, or half of one."""
        try:
            record = json.loads(self._path(key).read_text())
        except (OSError, ValueError):
            return None
        whole = isinstance(record, dict) and record.get("key") == key and finished(record)
        return record if whole else None

    def put(self, record):
        """Keep the record of a job that came to its end."""
        self.records.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record, indent=1) + "\n"
        with tempfile.NamedTemporaryFile(
            "w", dir=self.records, prefix=".new-", delete=False
        ) as file:
            file.write(text)
        os.replace(file.name, self._path(record["key"]))

    def all(self):
        """Every record, in the order of its key."""
        keys = sorted(path.stem for path in self.records.glob("*.json"))
        return [record for record in map(self.get, keys) if record]

    def merge(self, other):
        """Take the records of another folder that are not here; how many there were."""
        new = [record for record in Store(other).all() if self.get(record["key"]) is None]
        for record in new:
            self.put(record)
        return len(new)
