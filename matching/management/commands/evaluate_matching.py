"""``manage.py evaluate_matching``: how good matching is, by people's decisions and, where given, against the truth."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching import sampling
from matching.measured import NEAR, Picture, picture
from matching.measuring import Recall, Share
from matching.truth import against, read_truth
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import MdmError, Refused
from mdm.spec import Domain

NOBODY = "nobody has looked at any"


class Command(BaseCommand):
    help = (
        "Measure blocking and scores on a random sample, and tell precision and recall from decisions, with intervals; "
        "with --truth FILE (columns source, key, cluster) precision and recall of the links as well."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--domain", choices=sorted(BY_NAME), help="one domain; all of them otherwise")
        parser.add_argument("--truth", type=Path, metavar="FILE", help="CSV with the columns source, key, cluster")
        parser.add_argument("--sample", type=int, default=sampling.SAMPLE, help="records measured (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = [BY_NAME[options["domain"]]] if options["domain"] else list(DOMAINS)
        if options["truth"] and not options["domain"]:
            raise CommandError("A truth file is about one domain: name it with --domain.")
        try:
            truth = read_truth(options["truth"]) if options["truth"] else None
            for domain in wanted:
                self._tell(domain, max(1, options["sample"]))
            if truth:
                for line in against(wanted[0], truth).lines():
                    self.stdout.write(f"  {line}")
        except MdmError as error:
            problems = "".join(f"\n  {text}" for _, text in getattr(error, "problems", ()))
            raise CommandError(f"{error}{problems}") from error

    def _tell(self, domain: Domain, size: int) -> None:
        self.stdout.write(f"{domain.plural}")
        try:
            sampling.measure(domain=domain, by="evaluate_matching", size=size)
        except Refused:
            self.stdout.write("  no record has been read by matching yet")
            return
        for line in lines(picture(domain)):
            self.stdout.write(f"  {line}")


def lines(found: Picture) -> Iterator[str]:
    """What the page of a domain shows, one fact a line."""
    figures = found.figures
    yield (
        f"blocking: {figures['pairs_per_record']:g} pairs a record, at most {figures['most_pairs']:,}; "
        f"{figures['without_pair']:,} of {figures['sampled']:,} sampled records have none"
    )
    for one in figures["passes"]:
        if one["left_out"]:
            yield f"blocking by {' + '.join(one['features'])}: too common for {one['left_out']} of {one['records']}"
    yield f"links without a person: {found.links.pairs:,.0f}, right {_share(found.links.said)}"
    yield f"later undone: {figures['undone']['links']:,}"
    yield f"questions: {found.questions.pairs:,.0f} pairs, one thing {_share(found.questions.said)}"
    yield f"pairs from {NEAR:.0%} up to a question: about {found.near.pairs:,.0f}, one thing {_share(found.near.said)}"
    yield f"recall of links among pairs compared: {_recall(found.found)}"
    yield f"recall of links and questions among pairs compared: {_recall(found.asked)}"
    if found.off_by is not None:
        yield f"calibration: scores are off by {found.off_by:.1%} on average"


def _share(one: Share) -> str:
    if one.value is None:
        return f"unknown: {NOBODY}"
    return f"{one.value:.1%} ({one.low:.1%} to {one.high:.1%}; {one.hits:,} of {one.of:,} decided)"


def _recall(one: Recall | None) -> str:
    return (
        f"{one.value:.1%} ({one.low:.1%} to {one.high:.1%})"
        if one
        else "unknown until pairs drawn at random are decided"
    )
