"""How a file gets to its place: opened with the endpoint's sign-in, every failure given its outcome and its words."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from publishing import outcomes
from publishing.addresses import networks
from publishing.files.places import FolderPlace, Place, PlaceFailed, Tick
from publishing.files.sftp import Login, SftpPlace
from publishing.models import Endpoint, FileDrop, FilePlace
from publishing.outcomes import Fate, Outcome
from publishing.sealing import SealBroken, open_sealed
from publishing.sending import Result

METHOD = "PUT"
HOST_KEY = Outcome("HOST_KEY_CHANGED", Fate.FAILED, "The server shows another key than the one that was confirmed.")
MISSING = Outcome("FOLDER_MISSING", Fate.FAILED, "The folder for the files is not there.")
FORBIDDEN = Outcome("FOLDER_NOT_WRITABLE", Fate.FAILED, "Assay may not write into the folder.")
FULL = Outcome("NO_ROOM", Fate.FAILED, "There is no room for the file.")
NOT_PUT = Outcome("FILE_NOT_PUT", Fate.FAILED, "The file could not be put there.")
BY_KIND = {
    "blocked": outcomes.BLOCKED,
    "unreachable": outcomes.UNREACHABLE,
    "timeout": outcomes.TIMEOUT,
    "sign-in": outcomes.AUTH,
    "host key": HOST_KEY,
    "missing": MISSING,
    "forbidden": FORBIDDEN,
    "full": FULL,
    "broken": NOT_PUT,
}


def open_place(endpoint: Endpoint, drop: FileDrop, tick: Tick) -> Place:
    """The place, signed in. Raises PlaceFailed, and SealBroken where the secret cannot be opened."""
    if drop.place == FilePlace.FOLDER:
        return FolderPlace(drop.folder, settings.FILE_FOLDERS)
    login = Login(
        host=drop.host,
        port=drop.port,
        user=drop.user,
        host_key=drop.host_key,
        secret=open_sealed(endpoint, "auth_sealed") if endpoint.auth_sealed else "",
        seconds=float(endpoint.timeout_seconds),
    )
    return SftpPlace(login, drop.folder, allowed=networks(settings.ALLOWED_NETWORKS), tick=tick)


def address_of(drop: FileDrop) -> str:
    """Where the files go, as people read it."""
    if drop.place == FilePlace.FOLDER:
        return f"file:{drop.folder}"
    return f"sftp://{drop.user}@{drop.host}:{drop.port}/{drop.folder.lstrip('/')}"


def failure(drop: FileDrop, error: PlaceFailed | SealBroken) -> Result:
    """What a failed place means for the lane."""
    address = address_of(drop)
    if isinstance(error, SealBroken):
        return Result(outcomes.SECRET, address, METHOD, words=f"{outcomes.SECRET.words} {error}"[:500])
    outcome = BY_KIND.get(error.kind, NOT_PUT)
    return Result(outcome, address, METHOD, words=outcomes.in_words(outcome, None, cause=outcomes.clean(str(error))))


def bring(place: Place, folder: Path, names: Sequence[str], tick: Tick) -> None:
    """Put every file of a run there under names nobody reads. Raises PlaceFailed."""
    for name in names:
        place.bring(name, folder / name, tick)
