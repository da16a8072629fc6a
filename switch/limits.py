"""Every bound of a running switch, named, in one place (design: style.md, TigerBeetle's `constants.zig`).

A bound that is reached is counted under the same name (`loyalty_refused_total{reason=…}`) and has one documented
consequence; nothing in the switch grows without one of these.
"""

from pydantic import BaseModel, ConfigDict, Field, model_validator

BATCH_MESSAGES_CEILING = 2_000


class Limits(BaseModel):
    """Bounds of one worker. Times in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connections_max: int = Field(default=12_000, ge=1, description="open connections; a further one is closed at once")
    frame_bytes_max: int = Field(
        default=8_192, ge=64, le=65_535, description="one frame; a longer one closes the connection"
    )
    in_flight_per_connection_max: int = Field(
        default=256,
        ge=1,
        description="messages of one connection under way; beyond it the connection is not read",
    )
    write_buffer_bytes_max: int = Field(
        default=262_144,
        ge=8_192,
        description="replies a client has not read; beyond it the connection is aborted",
    )
    idle_s: float = Field(default=900.0, gt=0, description="a connection that says nothing this long is closed")
    half_frame_s: float = Field(
        default=10.0, gt=0, description="an incomplete frame older than this closes the connection"
    )
    lane_queue_messages_max: int = Field(
        default=20_000,
        ge=1,
        description="messages waiting in a lane; a further request gets DE39 91, an advice silence",
    )
    batch_messages_max: int = Field(
        default=500, ge=1, le=BATCH_MESSAGES_CEILING, description="messages that go down in one batch"
    )
    batch_statements_max: int = Field(
        default=8, ge=1, description="inquiries for the last movements in one batch; a further one waits for the next"
    )
    recent_keys_max: int = Field(default=5_000, ge=1_000, description="answered keys kept in memory for repeats")
    reply_deadline_s: float = Field(
        default=8.0,
        gt=0,
        description="a request whose fate is unknown by then gets DE39 91, an advice silence",
    )
    drain_s: float = Field(default=15.0, gt=0, description="how long a stopping switch waits for messages under way")
    linger_s: float = Field(
        default=1.0,
        ge=0,
        description="how long a stopping switch leaves clients to read their last answers and close",
    )
    batch_attempts_max: int = Field(
        default=8, ge=2, description="times a batch is decided again before its messages get DE39 96"
    )

    @model_validator(mode="after")
    def _relations(self) -> "Limits":
        if self.batch_messages_max > self.lane_queue_messages_max:
            raise ValueError(
                "batch_messages_max must not exceed lane_queue_messages_max: a lane could never fill a batch"
            )
        if self.write_buffer_bytes_max < 4 * self.frame_bytes_max:
            raise ValueError("write_buffer_bytes_max must hold at least four frames of frame_bytes_max")
        if self.recent_keys_max < 2 * self.batch_messages_max:
            raise ValueError(
                "recent_keys_max must be at least twice batch_messages_max: a batch under way is never forgotten"
            )
        if self.half_frame_s > self.idle_s:
            raise ValueError("half_frame_s must not exceed idle_s")
        return self
