"""What a training run is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from weightlab import data, models
from weightlab.assignment import assign
from weightlab.decompose import Subject
from weightlab.errors import InputError, nearest, shown, unknown
from weightlab.pairs import Weighting
from weightlab.train.amount import Amount, Amounts, amounts_of, steps_of
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
    batch_weight: float = Field(1.0, ge=0, le=1e30, description="of the batch's term in the surrogate")
    memory_weight: float = Field(1.0, ge=0, le=1e30, description="of the memory's term in the surrogate")
    memory: Amount = Field(
        8192, description="entries of the memory bank, or a share of the training rows, such as 50%; 0 for none"
    )
    memory_kind: Literal["queue", "slots", "fresh"] = Field(
        "queue",
        description="queue holds the last entries; slots one entry for each training row, the latest of it; fresh "
        "embeds the rows of the queue's entries again at each step: no entry is old, for small memories",
    )
    momentum: float = Field(0.99, ge=0, lt=1, description="of the momentum encoder; 0 for a plain memory")
    memory_start: int = Field(
        100, ge=0, le=_MOST_STEPS, description="steps before the memory is filled and its term added"
    )
    memory_clear: bool = Field(False, description="empty the memory where the schedule drops the learning rate")
    memory_own: Literal["excluded", "positive"] = Field(
        "excluded", description="what an anchor's own entry in the memory is: no pair, or a positive"
    )
    memory_dtype: Literal["float32", "bfloat16"] = Field("float32", description="how entries are stored")
    steps: int = Field(1000, ge=1, le=_MOST_STEPS, description="training steps")
    batch: int = Field(64, ge=2, le=65_536, description="images in a batch")
    per_class: int = Field(4, ge=2, le=32_768, description="images of each class in a batch")
    spread: Literal["any", "within", "across"] = Field(
        "any",
        description="which classes make a batch: any; within a single category of the data; across all of them alike",
    )
    optimizer: Literal["adamw", "adam", "sgd"] = Field("adamw", description="sgd has a momentum of 0.9")
    learning_rate: float = Field(1e-3, gt=0, le=1e30, description="at its peak")
    weight_decay: float = Field(1e-4, ge=0, le=1e30, description="decoupled from the gradient for adamw alone")
    lr_warmup: Amount = Field("5%", description="steps, or a share of them, in which the learning rate rises")
    schedule: Literal["cosine", "steps", "constant"] = Field(
        "cosine", description="of the learning rate after that: half a cosine down to 0; × 0.1 at each drop; constant"
    )
    drops: Amounts = Field(
        "70%", description="the steps, or shares of them, at which the schedule steps drops it: 24000,30000"
    )
    clip: float = Field(0.0, ge=0, le=1e30, description="the most that the gradient's norm may be; 0 for any")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="bfloat16 runs the encoder under autocast; similarities and weights stay in float32"
    )
    compile: bool = Field(False, description="compile the encoder with torch.compile")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto: cuda, else mps, else cpu")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="of everything random")
    validate_every: int = Field(
        0,
        ge=0,
        le=_MOST_STEPS,
        description="steps between two evaluations on held-out training classes, a fifth of them, the best of which "
        "has the encoder that is kept; 0 for none",
    )
    patience: int = Field(
        0, ge=0, le=_MOST_STEPS, description="evaluations without a better R@1 after which the run ends; 0 for never"
    )
    record: int = Field(
        100, ge=0, le=_MOST_STEPS, description="steps between two records of the weights (weightlab watch); 0 for none"
    )
    save_every: float = Field(30.0, ge=0, le=1e9, description="seconds between two checkpoints")
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
    def unknown(cls, name: str) -> InputError:
        """The error for what is no setting: they are too many to be listed where none is near."""
        if nearest(name, cls.model_fields) is not None:
            return unknown("setting", name, cls.model_fields)
        return InputError(f"unknown setting {shown(name)}: weightlab train --help has all of them")

    @classmethod
    def _said(cls, fault: Fault) -> str:
        if fault.kind == "extra_forbidden":
            return str(cls.unknown(str(fault.place[0])))
        return str(fault)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_as_number(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 (whatever is given)
        """Pydantic would take true for 1."""
        if isinstance(value, bool) and cls.model_fields[info.field_name or ""].annotation is not bool:
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
        yield from self._faults_of_memory()
        if self.batch_weight == 0 and (self.memory_weight == 0 or self.memory == 0):
            yield "batch_weight=0 leaves nothing to train with: give memory and memory_weight, or a batch_weight"
        if self.schedule != "steps" and self.drops != type(self).model_fields["drops"].default:
            yield f"drops={shown(self.drops)} go with schedule=steps, not with {self.schedule}"
        if self.patience and not self.validate_every:
            yield f"patience={self.patience} needs evaluations to wait for: give validate_every"
        if self.loss is None:
            return
        for name in ("positive", "negative", "scale"):  # a loss stands alone: what is set beside it would have no say
            if getattr(self, name) != type(self).model_fields[name].default:
                yield (
                    f"loss={shown(self.loss)} has its weights, {name}={shown(getattr(self, name))} would not count: "
                    "leave one out, or give the loss as positive and negative"
                )

    def _faults_of_memory(self) -> Iterator[str]:
        if isinstance(self.memory, int) and 0 < self.memory < self.batch:
            yield f"memory={self.memory} must hold a batch of {self.batch}, or be 0 for none"
        if self.memory_clear and self.schedule != "steps":
            yield "memory_clear=true empties the memory at the drops of schedule=steps: give that too"
        if self.memory_kind == "slots" and self.memory not in (0, "100%", type(self).model_fields["memory"].default):
            yield f"memory={self.memory} would not count: memory_kind=slots has one slot for each training row"
        if self.memory_kind == "fresh" and self.memory_dtype != "float32":
            yield "memory_dtype=bfloat16 would not count: memory_kind=fresh stores no embeddings"

    @property
    def rise(self) -> int:
        """Steps in which the learning rate rises to its peak, at least 1."""
        return max(1, steps_of(self.lr_warmup, self.steps))

    @property
    def dropped_at(self) -> tuple[int, ...]:
        """The steps from which on the learning rate is a tenth of what it was; none but of the schedule steps."""
        if self.schedule != "steps":
            return ()
        return tuple(steps_of(each, self.steps) for each in amounts_of(self.drops))

    def weighting(self) -> Weighting:
        """The loss or the assignment that this run trains with. Raises InputError where its text is wrong."""
        if self.loss is not None:
            return Subject.of(self.loss).weighting
        return assign(positive=self.positive, negative=self.negative, scale=self.scale)
