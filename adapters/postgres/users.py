"""Users: the names of those who do what needs a second person. Who may run a command is the machine's affair."""

from adapters.postgres.errors import DatabaseError

USER_CHARACTERS_MAX = 64


def user_of(text: str, refused: type[DatabaseError]) -> str:
    """A user's name as it is kept and compared. Raises `refused` if it is none."""
    user = text.strip()
    if not user or len(user) > USER_CHARACTERS_MAX or not user.isprintable():
        raise refused(f"a user is 1 to {USER_CHARACTERS_MAX} printable characters: --as NAME.")
    return user
