"""What a training run is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from weightlab import data, models
from weightlab.assignment import assign
from weightlab.decompose import Subject
from weightlab.errors import InputError, shown, unknown
from weightlab.pairs import Weighting
from weightlab.validation import Fault, faults

__all__ = ["TrainConfig"]

_MOST_STEPS = 1_000_000  # a step's distortions are drawn by seed × 1,000,003 + step: no two share a number


class TrainConfig(BaseModel):
    """One training run; frozen, and as JSON beside the run's results.

    The weighting is either `loss` (a name, or a name with parameters: "ms-loss(beta=40)") or the assignment
    `positive`, `negative`, `scale`. `memory=0` trains on the mini-batch alone; `momentum=0` fills the memory with
    the encoder's own embeddings (plain memory) instead of a momentum encoder's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    data: str = Field("glyphs", description="the data set: glyphs, folder:PATH, ...; see weightlab data list")
    size: int = Field(24, ge=8, le=512, description="side of the images in pixels")
    augment: Literal["default", "none", "light", "crop-flip"] = Field(
        "default", description="how training images are varied; default is the data set's own way"
    )
    skip_damaged: bool = Field(False, description="leave out images that can't be read, and say how many")
    model: str = Field("cnn", description=f"the encoder: {', '.join(models.names())}")
    width: int = Field(32, ge=1, le=1024, description="channels of the encoder's first layer")
    dimensions: int = Field(64, ge=2, le=16_384, description="dimensions of the embedding")
    loss: str | None = Field(
        None,
        description="a loss whose weights are used in place of positive and negative: its name, import path or file",
    )
    positive: str = Field("constant", description="weight function of the positive pairs, or a loss whose it is")
    negative: str = Field("step(0.5)", description="weight function of the negative pairs, or a loss whose it is")
    scale: Literal["raw", "mean", "mass"] = Field(
        "raw",
        description="what is done to an anchor's weights of a sign: raw leaves them as they are written, mean divides "
        "them by how many are not 0, mass makes their sum 1: the fair and stable choice with a large memory",
    )
    memory: int = Field(8192, ge=0, le=2**26, description="entries of the memory bank; 0 for none")
    momentum: float = Field(0.99, ge=0, lt=1, description="of the momentum encoder; 0 for a plain memory")
    warmup: int = Field(100, ge=0, le=_MOST_STEPS, description="steps before the memory's term is added")
    steps: int = Field(1000, ge=1, le=_MOST_STEPS, description="training steps")
    batch: int = Field(64, ge=2, le=65_536, description="images in a batch")
    per_class: int = Field(4, ge=2, le=32_768, description="images of each class in a batch")
    spread: Literal["any", "within", "across"] = Field(
        "any",
        description="which classes make a batch: any; within a single category of the data; across all of them alike",
    )
    learning_rate: float = Field(1e-3, gt=0, le=1e30, description="of AdamW, at its peak")
    record: int = Field(100, ge=0, le=_MOST_STEPS, description="steps between two records of the weights; 0 for none")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="of everything random")
    validation: bool = Field(
        False, description="cut validation classes from the training classes; leave the test alone"
    )

    @classmethod
    def checked(cls, settings: Mapping[str, object]) -> Self:
        """The configuration with these settings. Raises InputError, in one line, for all that is wrong."""
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise InputError("; ".join(map(cls._said, faults(error)))) from error

    @classmethod
    def _said(cls, fault: Fault) -> str:
        if fault.kind == "extra_forbidden":
            return str(unknown("setting", str(fault.place[0]), cls.model_fields))
        return str(fault)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_as_number(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 (whatever is given)
        """Pydantic would take true for 1."""
        if isinstance(value, bool) and info.field_name not in ("validation", "skip_damaged"):
            raise ValueError(f"must be a number or a text, not {str(value).lower()}")
        return value

    @field_validator("data", "model")
    @classmethod
    def _known(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name == "data":
            data.check(value)
        else:
            models.check(value, files=False)  # a run that is done needs none of them
        return value

    @field_validator("loss", "positive", "negative")
    @classmethod
    def _readable(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Here rather than in `_faults`, so that it is said beside all else that is wrong, and where."""
        if value is None:
            return None
        if info.field_name == "loss":
            Subject.of(value)
        elif info.field_name == "positive":
            assign(positive=value, negative="constant")
        else:
            assign(positive="constant", negative=value)
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if wrong := "; ".join(self._faults()):
            raise ValueError(wrong)
        return self

    def _faults(self) -> Iterator[str]:
        """What is wrong between its settings."""
        if self.batch % self.per_class or self.batch // self.per_class < 2:
            yield f"batch={self.batch} must be a multiple of per_class={self.per_class}, two classes or more"
        if 0 < self.memory < self.batch:
            yield f"memory={self.memory} must hold a batch of {self.batch}, or be 0 for none"
        if self.loss is None:
            return
        for name in ("positive", "negative", "scale"):  # a loss stands alone: what is set beside it would have no say
            if getattr(self, name) != type(self).model_fields[name].default:
                yield (
                    f"loss={shown(self.loss)} has its weights, {name}={shown(getattr(self, name))} would not count: "
                    "leave one out, or give the loss as positive and negative"
                )

    def weighting(self) -> Weighting:
        """The loss or the assignment that this run trains with. Raises InputError where its text is wrong."""
        if self.loss is not None:
            return Subject.of(self.loss).weighting
        return assign(positive=self.positive, negative=self.negative, scale=self.scale)
