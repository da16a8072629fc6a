"""What every part of a programme's YAML is."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Part of a programme: exact keys, exact types, and no value in an error's text."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )
