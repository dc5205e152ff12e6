"""Results read from JSON files: typed; one line names the file and the bad field."""

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dcrdf.errors import UserError
from dcrdf.files.digests import sha256_of_json

Score = Annotated[float, Field(ge=0.0, le=1.0)]
Name = Annotated[str, Field(min_length=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Checked(BaseModel):
    """A result read from a file: typed, no NaN; keys that are not known are left out."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class StageRecord(Checked):
    """What a result says about its making; unknown fields count for the digest."""

    model_config = ConfigDict(extra="allow")

    stage: Name
    version: int

    @property
    def digest(self) -> str:
        """The first eight hexadecimal digits of the record's SHA-256."""
        return sha256_of_json(self.model_dump())[:8]


Model = TypeVar("Model", bound=Checked)


def read_checked(model: type[Model], path: Path, step: str) -> Model:
    """Read and check the file that the command `step` writes.

    Raises:
        UserError: there is none, or a field is not as it should be.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; run `{step}` first") from None
    except ValidationError as error:
        raise UserError(f"{path}: {first_problem(error)}; run `{step}` again") from None


def first_problem(error: ValidationError, *within: str) -> str:
    """The first field, named from `within`, that is not as it should be, and why."""
    problem = error.errors()[0]
    field = ".".join([*within, *(str(part) for part in problem["loc"])])
    return f"{field}: {problem['msg']}" if field else problem["msg"]
