from typing import get_args

from simulator.language.shifts import AcquisitionName
from twin.acquisition.shifts import SHIFTS


def test_scenarios_know_every_acquisition_shift_and_no_other() -> None:
    assert set(get_args(AcquisitionName)) == set(SHIFTS)
