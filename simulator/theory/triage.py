"""What an AI that flags cases does to the waits of the diseased and of the healthy."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from simulator.theory.erlang import mmc
from simulator.theory.priority import nonpreemptive_mmc, preemptive_resume_mmc
from simulator.theory.steady import Impossible, Steady, patient, positive, share

Discipline = Literal["preemptive", "nonpreemptive", "fifo"]
DISCIPLINES: Final = get_args(Discipline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """Waits at readers who take flagged cases first. Times are in the unit of the rates."""

    diseased_wait: float  # mean wait of those with the disease; interruptions count as waiting
    healthy_wait: float  # mean wait of those without
    flagged_share: float  # of all cases
    flagged: Steady  # the class that goes first
    unflagged: Steady  # the class that goes last


def ai_triage(
    arrival_rate: float,
    service_rate: float,
    prevalence: float,
    sensitivity: float,
    false_positive_rate: float,
    discipline: Discipline,
    servers: int = 1,
) -> Triage:
    """Return the waits of diseased and healthy under AI triage, exactly.

    Parameters:
        arrival_rate: of all cases, Poisson, per unit of time.
        service_rate: of one reader, exponential, alike for all cases, per unit of time.
        prevalence: share of the diseased; above 0, below 1.
        sensitivity: share of the diseased that is flagged.
        false_positive_rate: share of the healthy that is flagged, 1 - specificity.
        discipline: "preemptive" (a flagged case interrupts an unflagged one, which is resumed
            later), "nonpreemptive" (a flagged case is read next), or "fifo" (flags are ignored).
        servers: readers.

    Raises:
        Unstable: the readers cannot keep up.
        Impossible: a share beyond its limits, or another discipline.

    The flagged and unflagged streams are Poisson, for flags are independent of times, and within
    a class the wait does not depend on the truth. So the wait of the diseased is
    Se W(flagged) + (1 - Se) W(unflagged), that of the healthy the same with the false positive
    rate: Y. L. E. Thompson et al. (2024), Applying queueing theory to evaluate
    wait-time-savings of triage algorithms, Queueing Systems 108, 579-610.

    >>> triage = ai_triage(0.08, 0.1, 0.1, 0.9, 0.1, "preemptive")
    >>> round(triage.diseased_wait, 4), round(triage.healthy_wait, 4)
    (6.3551, 43.7383)
    """
    positive("arrival_rate", arrival_rate)
    if not 0 < share("prevalence", prevalence) < 1:
        raise Impossible("prevalence", prevalence, "a number between 0 and 1")
    share("sensitivity", sensitivity)
    share("false_positive_rate", false_positive_rate)
    flagged_share = prevalence * sensitivity + (1 - prevalence) * false_positive_rate
    # Not 1 - flagged_share, which can leave a trace of 1e-17 where all are flagged.
    unflagged_share = prevalence * (1 - sensitivity) + (1 - prevalence) * (1 - false_positive_rate)
    rates = (arrival_rate * flagged_share, arrival_rate * unflagged_share)
    flagged, unflagged = _classes(rates, arrival_rate, service_rate, servers, discipline)

    def wait(flag_rate: float) -> float:
        # A class that nobody is in has no wait, and no weight either.
        return flag_rate * (flagged.wait or 0.0) + (1 - flag_rate) * (unflagged.wait or 0.0)

    return Triage(
        diseased_wait=wait(sensitivity),
        healthy_wait=wait(false_positive_rate),
        flagged_share=flagged_share,
        flagged=flagged,
        unflagged=unflagged,
    )


def _classes(
    rates: tuple[float, float],
    arrival_rate: float,
    service_rate: float,
    servers: int,
    discipline: str,
) -> tuple[Steady, ...]:
    if discipline == "preemptive":
        return preemptive_resume_mmc(rates, service_rate, servers)
    if discipline == "nonpreemptive":
        return nonpreemptive_mmc(rates, service_rate, servers)
    if discipline == "fifo":
        all_cases = mmc(arrival_rate, service_rate, servers)
        wait = all_cases.wait or 0.0
        return tuple(
            patient(rate, 1 / service_rate, servers, wait, all_cases.delayed) for rate in rates
        )
    raise Impossible("discipline", discipline, f"one of {', '.join(DISCIPLINES)}")
