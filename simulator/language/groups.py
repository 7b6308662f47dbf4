"""How many patients come together."""

from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from simulator.language.fields import Count, Share, Strict
from simulator.quantities import QuantityError

LARGEST: Final = 1000  # assumption: a larger group is a mistake
Size = Annotated[Count, Field(le=LARGEST)]


class BatchSpec(Strict):
    """The sizes of groups: one `size`, a geometric `mean`, or `sizes` with their `shares`."""

    size: Size | None = Field(
        default=None, description="Every group has this many patients.", examples=[2]
    )
    mean: float | None = Field(
        default=None,
        ge=1,
        le=LARGEST,
        description=(
            "Mean of a geometric distribution on 1, 2, 3, …: after each patient of a group "
            "another one follows with probability 1 - 1/mean."
        ),
        examples=[2.5],
    )
    sizes: Annotated[tuple[Size, ...], Field(strict=False)] | None = Field(
        default=None,
        description="The sizes that occur; `shares` says how often.",
        examples=[[1, 2]],
    )
    shares: Annotated[tuple[Share, ...], Field(strict=False)] | None = Field(
        default=None,
        description="The share of groups of each size, in the order of `sizes`; they sum to 1.",
        examples=[[0.7, 0.3]],
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        given = [name for name in ("size", "mean", "sizes") if getattr(self, name) is not None]
        if len(given) != 1:
            shown = " and ".join(given) or "none of them"
            raise QuantityError((), f"expected one of size, mean and sizes, got {shown}")
        if (self.sizes is None) != (self.shares is None):
            raise QuantityError((), "sizes and shares go together, one share for each size")
        if self.sizes is not None and self.shares is not None:
            if len(self.sizes) != len(self.shares) or not self.sizes:
                counts = f"{len(self.shares)} shares for {len(self.sizes)} sizes"
                raise QuantityError(("shares",), f"{counts}; expected one for each size")
            if abs(sum(self.shares) - 1) > 1e-6:
                total = f"{sum(self.shares):.6g}"
                raise QuantityError(("shares",), f"shares sum to {total}, expected 1")
        return self

    @property
    def mean_size(self) -> float:
        """Mean number of patients in a group."""
        if self.size is not None:
            return float(self.size)
        if self.sizes is not None and self.shares is not None:
            return sum(n * share for n, share in zip(self.sizes, self.shares, strict=True))
        return self.mean or 1.0  # a sound one has a mean


def _size(value: object) -> object:
    return value if isinstance(value, Mapping | BatchSpec) else {"size": value}


Batch = Annotated[BatchSpec, BeforeValidator(_size, json_schema_input_type=int | BatchSpec)]
