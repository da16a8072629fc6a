"""The bounds and how they must relate."""

import resource

import pytest
from pydantic import ValidationError

from switch.limits import Limits
from switch.server import raise_file_limit


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_messages_max": 600, "lane_queue_messages_max": 500},
        {"write_buffer_bytes_max": 16_000},
        {"recent_keys_max": 1_000, "batch_messages_max": 501},
        {"half_frame_s": 10, "idle_s": 5},
        {"frame_bytes_max": 70_000},
        {"connections_max": 0},
        {"unheard_of": 1},
    ],
)
def test_bounds_that_contradict_each_other_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(wrong)


def test_every_bound_says_what_it_does() -> None:
    assert all(field.description for field in Limits.model_fields.values())


def test_connections_are_bounded_by_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        few = raise_file_limit(Limits(connections_max=10), 1)
        assert few.connections_max == 10
        if hard != resource.RLIM_INFINITY:
            many = raise_file_limit(Limits(connections_max=hard * 2), 1)
            assert 0 < many.connections_max < hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
