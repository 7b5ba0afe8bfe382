"""Feeds, and files sent for them, read as a worker reads them."""

import tomllib
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from mdm.intake.batches import read
from mdm.intake.feeds import save_feed
from mdm.intake.receiving import receive
from mdm.models import Batch, Feed
from tests.factories import system

SUPPLIERS = """
feed = "vendors"
title = "Vendor master"
source = "erp"
domain = "supplier"

[file]
pattern = "vendors*.csv"

[key]
columns = ["No"]

[attributes]
name = "Name"
tax_id = "Tax"
phone = "Tel"
"""

PRICES_FEED = """
feed = "prices"
title = "Price list"
source = "erp"
domain = "contract"
part = "lines"

[file]
pattern = "prices*.csv"

[key]
columns = ["Line"]
parent = ["Contract"]

[attributes]
number = "Line"
price = "Price"
"""

BANKS = (
    SUPPLIERS.replace('"vendors', '"banks').replace("Vendor master", "Bank details")
    + """
[[parts.bank_accounts]]
account_tail = "Account"
bank = "Bank"
"""
)

HEAD = "No,Name,Tax,Tel\n"
TWO = HEAD + "V1,Acme Medical,84-1368850,\nV2,Bolton Ltd,,\n"
# Line 3 has no key, line 4 no name, line 5 repeats the key of line 2 with other content.
BROKEN = HEAD + "V1,Acme Medical,84-1368850,\n,Nameless Key,,\nV3,,,\nV1,Another Acme,,\n"
PRICES = "Line,Contract,Price\nL1,C1,12.50\n" + "".join(f"L{n},C1,call us\n" for n in range(2, 6)) + "L6,,call us\n"


def feed(text: str = SUPPLIERS) -> Feed:
    """The feed this document describes."""
    system("erp", supplier=2)
    return save_feed(document=tomllib.loads(text), by="test")


def file(content: str | bytes = TWO, name: str = "vendors.csv") -> SimpleUploadedFile:
    """A file as a browser sends it."""
    return SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())


def arrived(of: Feed, content: str = TWO, *, name: str = "vendors.csv", readily: bool = True) -> Batch:
    """A file that was received and, unless told not, read."""
    batch = receive(feed=of, file=file(content, name), file_name=name, by="Stella Steward", wake=False)
    return read(batch.pk) if readily else batch


def in_folder(settings: Any, folder: Path) -> Any:
    """Keep what arrives in this folder."""
    settings.DATA_DIR = folder
    return settings
