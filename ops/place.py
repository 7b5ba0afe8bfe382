"""Where one installation keeps what it writes, and what the environment says about it."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ops.refusal import Refusal

PROJECT_DIR = Path(__file__).resolve().parent.parent
# A socket's path is a field of 108 bytes in the kernel; PostgreSQL appends `/.s.PGSQL.5432`.
LONGEST_SOCKET_FOLDER = 90


@dataclass(frozen=True)
class Place:
    """The data folder of one installation and the files the launcher keeps in it."""

    folder: Path

    @classmethod
    def from_environment(cls) -> "Place":
        """`ASSAY_DATA_DIR`, else `var/` beside the code; not made yet."""
        return cls(Path(os.environ.get("ASSAY_DATA_DIR") or PROJECT_DIR / "var").resolve())

    def make(self) -> "Place":
        """The folder exists and can be written. Raises Refusal where it cannot."""
        try:
            # Passable, as root's database runs under another account; what lies in it is closed one by one.
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o711)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise Refusal(
                f"The data folder {self.folder} is not writable ({error.strerror}): choose another with ASSAY_DATA_DIR"
            ) from error
        return self

    @property
    def cluster(self) -> Path:
        """Folder of the embedded database, where the account that runs it can reach it."""
        return self.folder / "database"

    @property
    def cluster_elsewhere(self) -> Path:
        """File naming the cluster's folder where `cluster` is out of that account's reach."""
        return self.folder / "database.elsewhere"

    @property
    def server_state(self) -> Path:
        """JSON of the running database: `{"socket": folder}`, or `{"failed": sentence}`."""
        return self.folder / "database.json"

    @property
    def secret_key(self) -> Path:
        """Django's secret key, made once."""
        return self.folder / "secret_key"

    @property
    def keys(self) -> Path:
        """Key ring for sealed fields: `id:base64` lines, the first in use."""
        return self.folder / "keys"

    def lock(self, name: str) -> Path:
        """Lock file of that name."""
        return self.folder / f"{name}.lock"
