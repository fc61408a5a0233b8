"""Places for the checks of a storage: empty, each seen through two handles, as two processes see it."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from isfdb.layout.current import METADATA_FILE
from isfdb.storage.base import Stage, Storage

#: Gives a handle on the place that belongs to a folder: a new one each time, on the same place for the same folder.
Make = Callable[[str], Storage]

N_RIVALS: Final = 4


class Place:
    """One empty place, and handles on it.

    Attributes
    ----------
    a, b : Storage
        Two handles, as two processes have them: what is done through one must show through the other.
    """

    def __init__(self, make: Make, folder: str) -> None:
        self.make = make
        self.folder = folder
        self.a, self.b = self.another(), self.another()

    def another(self) -> Storage:
        """Return one more handle."""
        return self.make(self.folder)

    def version(self, key_folder: str, number: int = 1, *, is_new: bool = True, files: int = 2, through: Storage | None = None) -> Stage:
        """Publish a version whose files hold its nonce."""
        storage = through or self.a
        stage = self.staged(key_folder, is_new=is_new, files=files, through=storage)
        storage.publish(stage, number)
        storage.settle([stage])
        return stage

    def staged(self, key_folder: str, *, is_new: bool = True, files: int = 2, first: int = 1, through: Storage | None = None) -> Stage:
        """Stage a version that is ready to be published."""
        storage = through or self.a
        stage = storage.stage(key_folder, is_new=is_new, first=first)
        expect(os.path.isdir(stage.path) and not os.listdir(stage.path), "stage gave no empty local folder", "make one for each stage")
        os.mkdir(os.path.join(stage.path, "data"))
        stage.folders.append("data")
        for number in range(files):
            with open(os.path.join(stage.path, "data", str(number)), "wb") as file:
                file.write(stage.nonce.encode() * 1000)
            stage.files.append(f"data/{number}")
        storage.write(stage, METADATA_FILE, b"too early")
        storage.write(stage, METADATA_FILE, f'{{"nonce": "{stage.nonce}"}}'.encode())
        expect(stage.files.count(METADATA_FILE) == 1, "write did not note its file once", "add it to stage.files")
        storage.prepare([stage])
        return stage

    def complain_of(self, folder: str, nonce: str, files: int = 2) -> None:
        """Raise unless the version in a folder is whole, and that of the stage with this nonce."""
        storage = self.another()
        seen = sorted(storage.list(folder))
        expect(seen == sorted(["data", METADATA_FILE]), f"{folder} lists {seen}", "publish all that lies in stage.path")
        expect(
            storage.read(f"{folder}/{METADATA_FILE}") == f'{{"nonce": "{nonce}"}}'.encode(),
            f"{folder} is another's",
            "never publish over one",
        )
        expect(sorted(storage.list(f"{folder}/data")) == sorted(map(str, range(files))), f"{folder}/data lists other names", "keep folders")
        local = storage.fetch(folder)
        for number in range(files):
            with open(os.path.join(local, "data", str(number)), "rb") as file:
                expect(file.read() == nonce.encode() * 1000, f"fetching {folder} gave other bytes", "keep them as they are")
        with open(storage.fetch(f"{folder}/data/0"), "rb") as file:
            expect(file.read() == nonce.encode() * 1000, "fetching a single file gave other bytes", "fetch takes a folder or a file")


@contextmanager
def places(make: Make) -> Iterator[Place]:
    """Give an empty place, and forget it afterwards."""
    with tempfile.TemporaryDirectory(prefix="isfdb-storage-") as folder:
        yield Place(make, os.path.realpath(folder))


def expect(is_so: bool, found: str, advice: str) -> None:
    """Raise, naming what was found and what to do, unless it is as it should be."""
    if not is_so:
        raise AssertionError(f"{found}; {advice}")


def refused(kind: type[Exception], call: Callable[[], Any], what: str) -> None:
    """Raise unless a call raises an error of that kind."""
    try:
        call()
    except kind:
        return
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__} ({error}); raise {kind.__name__}") from error
    raise AssertionError(f"{what} went through; raise {kind.__name__}")


def together(place: Place, call: Callable[[Storage, int], Any]) -> list[Any]:
    """Return what rivals, each with a handle of its own, got for making one call at the same moment; errors are what they got, too."""
    handles, got = [place.another() for _ in range(N_RIVALS)], [None] * N_RIVALS
    start = threading.Barrier(N_RIVALS)

    def run(number: int) -> None:
        start.wait()
        try:
            got[number] = call(handles[number], number)
        except Exception as error:  # noqa: BLE001 - looked at by the caller
            got[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(N_RIVALS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got
