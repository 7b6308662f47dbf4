import pytest
from tiny_model import patients, tiny_parts

from actors.local import LocalStack
from twin.images import BlobRef
from twin.learners.registry import LEARNERS
from twin.ports import Opinion, Unscorable


@pytest.fixture(scope="module")
def stack():
    stack = LocalStack(tiny_parts(), None)
    yield stack
    stack.close()


def test_every_image_gets_an_answer_in_order(stack: LocalStack) -> None:
    refs = [patient.image for patient in patients(3, seed=8)]
    answers = stack.submit([refs[0], BlobRef(sha256="0" * 64), refs[1], refs[2]]).collect()
    assert [type(answer) for answer in answers] == [Opinion, Unscorable, Opinion, Opinion]
    alone = stack.submit([refs[1]]).collect()
    assert answers[2] == alone[0]


def test_an_opinion_holds_every_learners_score(stack: LocalStack) -> None:
    (opinion,) = stack.submit([patients(1, seed=8)[0].image]).collect()
    assert isinstance(opinion, Opinion)
    assert list(opinion.log_odds) == list(LEARNERS)
    assert opinion.missing == ()


def test_several_batches_may_be_under_way(stack: LocalStack) -> None:
    drawn = patients(4, seed=8)
    tickets = [stack.submit([patient.image]) for patient in drawn]
    answers = [ticket.collect()[0] for ticket in reversed(tickets)]
    assert answers == stack.submit([p.image for p in reversed(drawn)]).collect()
    assert all(ticket.done() for ticket in tickets)
