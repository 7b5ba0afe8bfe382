"""A hub in which every page has something to show: what a walk over all pages stands on."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from matching.models import MatchCandidate
from mdm import log
from mdm.domains import BY_NAME
from mdm.intake import watching
from mdm.mastering import merge
from mdm.models import FeedDraft, GoldenRecord, SourceRow
from mdm.people import GROUPS
from stewardship import bulk, rehearsing, tables
from stewardship.asked import Filters
from stewardship.lists import acting, checking, keeping
from stewardship.models import BulkDecision, Decision, Purpose, TreeDraft
from stewardship.reporting import report_duplicate
from stewardship.requests import approve, propose
from stewardship.workflow import merge_candidate, retire_record
from tests.factories import hospital, publish, source, supplier, why
from tests.matching.ruling import approve as approve_rules
from tests.matching.ruling import shipped, try_out
from tests.mdm.test_hierarchies import hierarchy, move, places
from tests.publishing.dropping import file_endpoint, folder_drop, write
from tests.publishing.making import Target, run, webhook
from tests.stewardship import sending
from tests.stewardship.pages import client_of
from tests.stewardship.questions import question, someone, twins, versions_of
from tests.stewardship.test_lists import checked
from tests.stewardship.test_watches import SETTINGS
from tests.stewardship.test_work import parked_and_drifted

LONG = "Interdisciplinary-Orthopaedics-and-Rehabilitation-Supplies of the Greater Northern Valley Incorporated"
FILE = f"{sending.BROKEN}V7,{LONG},,\n"


def furnish(target: Target, outbox: Path, inbox: Path) -> tuple[User, list[str]]:
    """Somebody in every role, and the addresses a walk starts from; some stand where no plain link leads."""
    ada, stella = someone("Ada Everyone", *GROUPS), someone("Stella Steward")
    client = client_of(ada)
    records = [*_questions(ada, stella), *_relations()]
    addresses = [
        *_requests(records, ada, stella),
        *_files(client, inbox),
        *_lists(ada, records),
        *_rules(),
        *_trees(client, stella),
    ]
    addresses += [*_targets(target, outbox), *_of_people(ada, records)]
    return ada, ["/", *addresses]


def _questions(ada: User, stella: User) -> list[GoldenRecord]:
    """Some decided at once, some decided by each, and open ones."""
    question(*twins(name="Bulk"))
    many = bulk.begin(verb="merge", filters=Filters(), expected=1, reason="same name and town", user=ada)
    bulk.carry_out(many.pk)
    first, second = twins(name="Acme Medical")
    question(first, second)
    question(*twins(4, name=LONG), score=0.91)
    lone = supplier("L1", "Split me")
    question(lone, kind="conflict")
    for user in (stella, ada):
        one, other = twins(name=f"Bolton of {user.first_name}")
        merge_candidate(
            candidate_id=question(one, other).pk, winner_id=one.pk, record_ids=[one.pk, other.pk],
            shown=versions_of(one, other), user=user, reason="same phone desk",
        )  # fmt: skip
    return [first, second]


def _relations() -> list[GoldenRecord]:
    """A winner with its loser, a parent with its child, and one that no rule lets pass."""
    top = supplier("P1", LONG, currency="USD", phone="+15550100200", website="https://example.org")
    supplier("P2", "Daughter", parent={"system": "erp", "domain": "supplier", "key": "P1"})
    winner, loser = supplier("M1", "Cardinal"), supplier("M2", "Cardinal Inc", system_code="ap")
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={winner.pk: 1, loser.pk: 1}, cause=why("one firm"))
    supplier("U1", "Unknown")
    return [top, winner]


def _requests(records: list[GoldenRecord], ada: User, stella: User) -> Iterator[str]:
    """One that waits, one that was approved and holds, and a record out of use."""
    given = {"base_version": 1, "reason": "renamed", "user": stella}
    asked = propose(record_id=records[0].pk, values={"name": "Acme Group"}, **given)
    held = propose(record_id=records[1].pk, values={"name": "Acme Supply"}, **given)
    approve(request_id=held.pk, digest=held.digest, user=ada)
    yield reverse("stewardship:unpin", args=["suppliers", records[1].code, "name"])
    old = supplier("O1", "Gone Ltd")
    retire_record(record_id=old.pk, shown=old.version, user=ada, reason="closed")
    yield reverse("stewardship:reinstate", args=["suppliers", old.code])
    yield reverse("stewardship:request", args=[asked.pk])
    for verb in ("approve", "refuse", "withdraw"):
        yield reverse(f"stewardship:{verb}", args=[asked.pk])


def _files(client: Client, inbox: Path) -> Iterator[str]:
    """A feed with a file partly in quarantine, a watched folder that saw one, and a file somebody only looked at."""
    feed = sending.feed()
    batch = sending.arrived(feed, FILE)
    watching.set_watch(code=feed.code, **SETTINGS)
    late = inbox / "vendors-june.csv"
    late.write_text(sending.TWO)
    os.utime(late, (time.time() - 60, time.time() - 60))
    client.post(reverse("stewardship:run_watch", args=[feed.code]))
    client.post("/imports/look/", {"file": sending.file(FILE, "others.csv")})
    rehearsing.dry_run(FeedDraft.objects.get().pk)
    one = checked(client)
    for page in ("list", "list_columns"):
        yield reverse(f"stewardship:{page}", args=[one.pk])
    yield reverse("stewardship:my_suggestions")
    yield reverse("stewardship:mend_alike", args=[batch.pk]) + "?column=Name&value="
    yield f"/feeds/{feed.code}/clean/?place=name"
    yield reverse("stewardship:quarantined_row", args=[SourceRow.objects.filter(state="quarantined").first().pk])
    yield reverse("stewardship:dry_run", args=[feed.code])


def _lists(ada: User, records: list[GoldenRecord]) -> Iterator[str]:
    """A list that was checked, changes that were proposed, and a duplicate somebody reported."""
    changes = f"Code,Name,Phone\n{records[0].code},Acme Works,\n{records[1].code},,(619) 555-0188\nSUP-0,{LONG},\n"
    for purpose, text in ((Purpose.CHECK, FILE), (Purpose.CHANGE, changes)):
        file = sending.file(text, f"{LONG}.csv")
        one = keeping.draw(file=file, file_name=file.name, size=file.size, user=ada, purpose=purpose)  # type: ignore[arg-type]
        yield reverse("stewardship:list_columns", args=[one.pk])
        keeping.choose(list_id=one.pk, user=ada, document=one.document, naming=one.naming)
        checking.check(one.pk)
        yield reverse("stewardship:list", args=[one.pk]) + "?show=all"
    acting.propose_all(list_id=one.pk, user=ada, reason="after the merger", beside=True)
    acting.carry_out(one.pk)
    report_duplicate(first=records[0].pk, second=records[1].pk, reason="one address", user=ada)
    yield reverse("stewardship:report", args=["suppliers", records[0].code]) + f"?with={records[1].code}"
    yield reverse("stewardship:my_suggestions")


def _rules() -> Iterator[str]:
    """Rules in force that were matched again, and a draft that was tried."""
    for system in ("erp", "ap"):
        source(system, "supplier", f"W-{system}", name="Waters Corporation", phone="+18054471000")
    going = approve_rules(shipped(auto=0.98))
    yield reverse("stewardship:rematch", args=[going.pk])
    draft = try_out(shipped(auto=0.97)).rule_set
    for page in ("rule_set", "rules_change"):
        yield reverse(f"stewardship:{page}", args=["suppliers", draft.number])


def _trees(client: Client, stella: User) -> Iterator[str]:
    """A tree with a draft of one's own, and a colleague's that waits."""
    here, (group, north, site) = hierarchy(), places("Group", "North", "Site")
    move(here, (group, None), (north, group))
    hospital("H9", LONG)
    colleague = client_of(stella)
    for who in (client, colleague):
        who.post("/hierarchies/facilities/legal/move/", {"records": site.code, "to": "north"})
    own, theirs = TreeDraft.objects.order_by("drafted_at")
    colleague.post(reverse("stewardship:tree_draft_send", args=[theirs.pk]), {"reason": "Bought"})
    for page in ("send", "withdraw"):
        yield reverse(f"stewardship:tree_draft_{page}", args=[own.pk])
    yield reverse("stewardship:tree_draft", args=[theirs.pk])
    for page in ("approve", "refuse", "send_back"):
        yield reverse(f"stewardship:tree_draft_{page}", args=[theirs.pk])


def _targets(target: Target, outbox: Path) -> Iterator[str]:
    """A target that refused one record and differs from the hub, one that took all, and files in a folder."""
    publish()
    parked, _ = parked_and_drifted(supplier("R1", "Refused Ltd"))
    endpoint = webhook(target.url)
    run(endpoint)
    drop = file_endpoint(folder_drop(outbox))
    write(drop)
    yield reverse("publishing:delivery", args=[parked.pk])
    for page in ("endpoint", "parked_of", "calls", "replays", "mapping", "settings", "edit", "history", "drift_of"):
        yield reverse(f"publishing:{page}", args=[endpoint.code])
    for page in ("endpoint", "files", "edit_file"):
        yield reverse(f"publishing:{page}", args=[drop.code])


def _of_people(ada: User, records: list[GoldenRecord]) -> Iterator[str]:
    log.sequence_all()
    first, second = records[:2]
    view = tables.save_view(person=ada, table="records.suppliers", name="All", query="state=active", shared=True)
    yield reverse("stewardship:saved_view", args=[view.pk])
    yield f"/compare/?of={first.code}&of={second.code}"
    yield f"/explain/?of={first.code}&with={second.code}"
    yield f"/search/?q={BY_NAME['supplier'].prefix}"
    yield f"/audit/as-it-was/?record={first.code}&at={timezone.localdate()}"
    yield reverse("stewardship:report", args=["suppliers", first.code])
    yield reverse("stewardship:opinion", args=[MatchCandidate.objects.filter(state="open").first().pk])
    yield reverse("stewardship:bulk_run", args=[BulkDecision.objects.get().pk])
    yield reverse("stewardship:decision", args=[Decision.objects.first().pk])
