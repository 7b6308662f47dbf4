"""A group of workers: who joins takes a share over, and what was read is finished before."""

import time

import pytest

from services.bus.kafka_group import KafkaGroupMember
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_topics import ensure_topics
from services.bus.port import PARTITIONS
from twin.events import CaseRejected

pytestmark = [pytest.mark.slow]


def rejected(number):
    return CaseRejected(case_id=f"c{number}", at_min=0.0, reason="test")


def test_a_second_member_takes_half_and_nothing_is_lost(kafka_servers, prefix):
    ensure_topics(kafka_servers, prefix, ["verdicts"])
    publisher = KafkaPublisher(kafka_servers, prefix)
    members = [KafkaGroupMember(kafka_servers, prefix, ["verdicts"], "g")]
    found = [[], []]
    sent, deadline_s = 0, time.monotonic() + 60

    def turn():
        """Publish one, and let everybody read and commit what there is."""
        nonlocal sent
        assert time.monotonic() < deadline_s
        publisher.publish(rejected(sent))
        publisher.flush()
        sent += 1
        for member, read in zip(members, found, strict=False):
            messages = member.poll(100, 0.05)
            read.extend(messages)
            upto = {(one.topic, one.partition): one.offset + 1 for one in messages}
            if upto:
                member.commit(upto)

    while len({one.partition for one in found[0]}) < PARTITIONS:
        turn()
    members.append(KafkaGroupMember(kafka_servers, prefix, ["verdicts"], "g"))
    while not found[1]:
        turn()
    before = [len(read) for read in found]
    while min(len(read) - had for read, had in zip(found, before, strict=True)) < 10:
        turn()
    since = [{one.partition for one in read[had:]} for read, had in zip(found, before, strict=True)]
    assert since[0].isdisjoint(since[1])  # each has partitions of its own
    members.pop().close()
    while {one.partition for one in found[0][-8:]} < set(range(PARTITIONS)):
        turn()  # until the first one has them all again
    while len({one.key for read in found for one in read}) < sent:
        found[0] += members[0].poll(100, 0.1)
        assert time.monotonic() < deadline_s
    assert {one.key for read in found for one in read} == {f"c{n}" for n in range(sent)}
    members[0].close()
    publisher.close()
