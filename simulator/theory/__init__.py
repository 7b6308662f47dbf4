"""Exact queueing theory, to hold the simulator against: numbers in, numbers out, no scenario.

Rates are per unit of time and times in that same unit; each function names its source.
"""

from simulator.theory.abandonment import erlang_a
from simulator.theory.erlang import erlang_b, mmc, mminf, wait_quantile
from simulator.theory.finite import loss, mmck
from simulator.theory.network import jackson, traffic
from simulator.theory.pollaczek import allen_cunneen_approximation, mg1
from simulator.theory.priority import (
    nonpreemptive,
    nonpreemptive_mmc,
    preemptive_resume,
    preemptive_resume_mmc,
)
from simulator.theory.renewal import deterministic, erlang_k, gm1, mdc
from simulator.theory.steady import Impossible, Steady, Unstable
from simulator.theory.triage import DISCIPLINES, Discipline, Triage, ai_triage

__all__ = [
    "DISCIPLINES",
    "Discipline",
    "Impossible",
    "Steady",
    "Triage",
    "Unstable",
    "ai_triage",
    "allen_cunneen_approximation",
    "deterministic",
    "erlang_a",
    "erlang_b",
    "erlang_k",
    "gm1",
    "jackson",
    "loss",
    "mdc",
    "mg1",
    "mmc",
    "mmck",
    "mminf",
    "nonpreemptive",
    "nonpreemptive_mmc",
    "preemptive_resume",
    "preemptive_resume_mmc",
    "traffic",
    "wait_quantile",
]
