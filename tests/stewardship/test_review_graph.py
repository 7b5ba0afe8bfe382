"""How the members of a question hold together: levels and layout as pure functions, the page and taking its groups."""

from itertools import combinations, pairwise
from math import atan2, pi

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from matching.models import KnownNonMatch, MatchPair
from mdm.models import GoldenRecord
from stewardship.choosing import Choice
from stewardship.graph import Graph, draw, of_question, threshold_of
from stewardship.members import Member, load
from stewardship.review import case
from tests.factories import linked
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import question, someone, twins

HTMX = {"HX-Request": "true"}


def members(count: int) -> list[Member]:
    return [
        Member(GoldenRecord(code=f"SUP-{n}", title=f"Company {n}", domain="supplier"), {}, {}, {}, {}, {}, {})
        for n in range(1, count + 1)
    ]


def drawn(count: int, scores: dict[tuple[int, int], float], at: float = 50.0, against: tuple = ()) -> Graph:
    """A graph of so many members; pairs by the numbers of the page."""
    made = members(count)

    def pair(ends: tuple[int, int]) -> frozenset:
        return frozenset(made[number - 1].record.pk for number in ends)

    return draw(made, {pair(ends): score for ends, score in scores.items()}, {pair(ends): "no" for ends in against}, at)


def test_levels_say_what_is_left_as_the_threshold_rises() -> None:
    graph = drawn(5, {(1, 2): 0.99, (4, 5): 0.9, (3, 4): 0.95, (2, 3): 0.7})
    assert [(level.upto, "".join(one or "." for one in level.letters)) for level in graph.levels] == [
        (100.0, "....."), (99.0, "AA..."), (95.0, "AABB."), (90.0, "BBAAA"), (70.0, "AAAAA"),
    ]  # fmt: skip
    assert drawn(3, {(1, 2): 0.9, (2, 3): 0.8}, at=85).level.words == "A: 1, 2; by themselves: 3"
    assert drawn(3, {(1, 2): 0.9, (2, 3): 0.8}, at=80).level.groups == 1


def test_what_speaks_against_joins_nothing_and_is_told_where_others_join_it() -> None:
    graph = drawn(3, {(1, 2): 0.99, (2, 3): 0.9, (1, 3): 0.95}, against=((1, 3),))
    assert [level.upto for level in graph.levels] == [100.0, 99.0, 90.0]
    assert [level.contradicted for level in graph.levels] == [0, 0, 1]
    assert next(edge for edge in graph.edges if edge.against).holds is None


def test_more_groups_than_letters_are_counted() -> None:
    graph = drawn(14, {(n, n + 1): 0.9 for n in range(1, 14, 2)})
    assert (graph.level.groups, graph.level.unlettered) == (6, 1)
    assert graph.level.letters[12:] == ["", ""]


@given(st.integers(3, 9), st.data())
def test_every_group_is_one_arc_and_the_levels_are_the_components(count: int, data: st.DataObject) -> None:
    pairs = list(combinations(range(1, count + 1), 2))
    scores = data.draw(st.dictionaries(st.sampled_from(pairs), st.integers(500, 1000).map(lambda n: n / 1000)))
    graph = drawn(count, scores)
    assert graph == graph.__class__(**vars(graph))
    around = sorted(
        graph.nodes, key=lambda node: (atan2(node.y - graph.size / 2, node.x - graph.width / 2) + pi / 2) % (2 * pi)
    )
    for level in graph.levels:
        letters = [level.letters[node.number - 1] for node in around]
        for letter in set(letters) - {""}:
            turns = sum((one == letter) != (other == letter) for one, other in pairwise([*letters, letters[0]]))
            assert turns in (0, 2)
    for at in (50.0, 75.0, 90.0, 100.0):
        level = next(one for one in reversed(graph.levels) if one.upto >= at)
        for (a, b), score in scores.items():
            if int(score * 1000) / 10 >= at and not level.unlettered:
                assert level.letters[a - 1] == level.letters[b - 1] != ""


def test_the_layout_is_the_same_every_time_and_stronger_lines_are_thicker() -> None:
    scores = {(1, 2): 0.99, (2, 3): 0.6, (3, 4): 0.9}
    one, other = drawn(4, scores), drawn(4, scores)
    assert [(n.x, n.y) for n in one.nodes] == [(n.x, n.y) for n in other.nodes]
    widths = {edge.score: edge.width for edge in one.edges}
    assert widths[0.99] > widths[0.9] > widths[0.6]


def test_a_threshold_nobody_can_read_is_the_usual_one() -> None:
    assert [threshold_of(text, 0.35) for text in ("", "x", "82.5", "-3", "nan", "1e9")] == [35, 35, 82.5, 0, 0, 100]


def chain(*scores: float) -> tuple[list[GoldenRecord], object]:
    """A question whose members hold on to the next one each by these scores."""
    made = twins(len(scores) + 1)
    waiting = question(*made)
    ends = {(made[n].pk, made[n + 1].pk): score for n, score in enumerate(scores)}
    for pair in MatchPair.objects.all():
        score = ends.get((pair.left_record_id, pair.right_record_id))
        if score is None:
            pair.delete()
        else:
            MatchPair.objects.filter(pk=pair.pk).update(score=score)
    return made, waiting


@pytest.mark.django_db
def test_vetoes_and_what_people_said_are_against() -> None:
    made, waiting = chain(0.99, 0.9, 0.3)
    MatchPair.objects.filter(score=0.9).update(vetoes=["Tax ID"])
    a, b = sorted((linked(made[0])[0].pk, linked(made[3])[0].pk))
    KnownNonMatch.objects.create(first_id=a, second_id=b, by="Stella", at=timezone.now(), reason="seen both")
    found = of_question(waiting, load(case(waiting).domain, [one.pk for one in made]), 50)
    assert {(edge.left.number, edge.right.number): edge.against for edge in found.edges} == {
        (1, 2): "", (2, 3): "Tax ID differs", (3, 4): "less likely than not", (1, 4): "a person said: not the same",
    }  # fmt: skip
    assert found.chosen(Choice()).ticked == {made[0].pk, made[1].pk}


@pytest.mark.django_db
def test_the_page_draws_three_or_more_and_the_threshold_is_in_its_address() -> None:
    _, waiting = chain(0.99, 0.9, 0.8)
    client = client_of(someone("Stella"))
    page = client.get(f"/review/{waiting.pk}/?threshold=85").content.decode()
    assert page.count("data-graph-node") == 4
    shown = page.partition('data-graph-level="90.0"')[2].partition(">")[0]
    assert "hidden" not in shown
    assert "hidden" in page.partition('data-graph-level="80.0"')[2].partition(">")[0]
    assert 'id="graph"' not in client.get(f"/review/{question(*twins(2, name='Other')).pk}/").content.decode()


@pytest.mark.django_db
def test_groups_taken_are_ticked_and_lettered_and_what_was_typed_stays() -> None:
    made, waiting = chain(0.99, 0.6, 0.9)
    client, before = client_of(someone("Stella")), traces()
    posted = {"chosen": "yes", "winner": made[0].pk, "records": [one.pk for one in made], "threshold": "85"}
    posted |= {"type-phone": "+1 555 010 7777", "reason": "seen in the ledger"}
    for headers in ({}, HTMX):
        answer = client.post(f"/review/{waiting.pk}/groups/", posted, headers=headers)
        page = answer.content.decode()
        assert "These become 2 records" in page
        assert "Save 2 records" in text_of(answer)
        assert 'value="+1 555 010 7777"' in page
        assert 'value="seen in the ledger"' in page
        assert page.count('<option value="B" selected>') == 2
    assert traces() == before
    none = client.post(f"/review/{waiting.pk}/groups/", posted | {"threshold": "100"})
    assert "Merge 4 into" in text_of(none)


@pytest.mark.django_db
def test_the_outsider_takes_no_groups() -> None:
    _, waiting = chain(0.9, 0.9)
    assert outsider().post(f"/review/{waiting.pk}/groups/", {}).status_code == 403


@pytest.mark.django_db
def test_the_graph_costs_the_same_whatever_the_size_of_the_group(django_assert_max_num_queries) -> None:
    waiting = question(*twins(40))
    shown = case(waiting).group.members
    with django_assert_max_num_queries(4):
        graph = of_question(waiting, shown, 50)
    assert len(graph.nodes) == 40
    assert not graph.named
