import os

import pytest

from dcrdf.errors import UserError
from dcrdf.workers import AHEAD_PER_PROCESS, Workers


def square(value):
    return value * value


def refuse_three(value):
    if value == 3:
        raise UserError("three.png: is three; use another")
    return value


def die(value):
    os._exit(1)


def process_of(value):
    return os.getpid()


@pytest.mark.parametrize("processes", [1, 2])
def test_answers_come_in_order(processes):
    with Workers(processes) as workers:
        assert list(workers.map(square, range(20))) == [value**2 for value in range(20)]


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_arrives_where_the_answer_would(processes):
    with Workers(processes) as workers:
        answers = workers.map(refuse_three, range(6))
        assert [next(answers) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(UserError, match=r"three\.png: is three"):
            next(answers)


def test_one_process_is_this_one():
    with Workers(1) as workers:
        assert list(workers.map(process_of, [0])) == [os.getpid()]


def test_items_are_not_taken_far_ahead():
    taken = []

    def items():
        for value in range(50):
            taken.append(value)
            yield value

    with Workers(2) as workers:
        answers = workers.map(square, items())
        next(answers)
        assert len(taken) <= 2 * AHEAD_PER_PROCESS + 1


def test_a_killed_worker_is_explained():
    with Workers(2) as workers, pytest.raises(UserError, match="worker process was killed"):
        list(workers.map(die, range(4)))
