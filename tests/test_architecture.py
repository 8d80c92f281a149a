"""Who may import whom: the table of design.md, read from the source with ast."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "digest"

GROUND = {
    "model",
    "named",
    "errors",
    "identity",
    "spellings",
    "text",
    "tex",
    "links",
    "render",
    "__init__",
}
SEAMS = {"config", "protocols"}
STAGES = {"fetch", "rank", "embed", "compose", "deliver", "store"}
CORRIDOR = {"pipeline", "web", "schedule"}
ROOF = {
    *("app", "service", "cli", "config_file", "logs", "starter", "operations", "check", "trial"),
    *("imports", "transports", "rankers", "overview", "gallery", "enrolment", "subscriber_files"),
    *("demo", "__main__"),
}

MAY_IMPORT = {
    **dict.fromkeys(GROUND, GROUND),
    **dict.fromkeys(SEAMS, GROUND | SEAMS),
    **{stage: GROUND | SEAMS | {stage} for stage in STAGES},
    "schedule": GROUND | {"schedule"},
    "pipeline": GROUND | SEAMS | STAGES | {"schedule", "pipeline"},
    "overview": GROUND | {"store"},
    "web": GROUND | SEAMS | {"store", "rank", "compose", "schedule", "overview", "web"},
    "gallery": GROUND | SEAMS | {"compose", "gallery"},
    "service": {"schedule", "service"},
    "config_file": GROUND | SEAMS,
    "logs": set(),
    "starter": GROUND | {"config_file"},
    "transports": GROUND | SEAMS | {"deliver"},
    "senders": GROUND
    | SEAMS
    | {"compose", "deliver", "store", "pipeline", "transports", "senders"},
    "rankers": GROUND | SEAMS | {"rank", "embed", "store"},
    "app": GROUND | SEAMS | STAGES | CORRIDOR | {"service", "transports", "senders", "rankers"},
    "subscriber_files": GROUND | SEAMS,
    **dict.fromkeys(
        ("cli", "operations", "enrolment", "check", "trial", "imports", "demo", "__main__"),
        GROUND | SEAMS | STAGES | CORRIDOR | ROOF,
    ),
}

# A third-party package is named in one room, most of them in one file.
NAMED_IN = {
    "feedparser": {"fetch/feed.py"},
    "jmespath": {"fetch/mapping.py"},
    "bibtexparser": {"fetch/bibliography.py"},
    "rispy": {"fetch/bibliography.py"},
    "aiosmtplib": {"deliver/smtp.py"},
    "apscheduler": {"schedule/in_process.py"},
    "jinja2": {"render/templates.py"},
    "css_inline": {"render/style.py"},
    "cryptography": {"deliver/dkim.py"},
    "flufl": {"deliver/bounces.py"},
    "imap_tools": {"deliver/imap.py"},
    "aiohttp": {"fetch", "demo"},
    "babel": {"render/language.py"},
    "selectolax": {"fetch", "text.py"},
    "typer": {"cli"},
    "rich": {"cli"},
    "aiosmtpd": {"demo"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "scipy": {"rank", "embed/bert.py"},
    "safetensors": {"embed/bert.py"},
    "tokenizers": {"embed/bert.py"},
    "pylatexenc": {"tex.py"},
    "nh3": {"text.py"},
    "itsdangerous": {"links.py"},
    "fastapi": {"web"},
    "starlette": {"web"},
    "uvicorn": {"web/server.py"},
    "prometheus_client": {"web"},
}

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """Give the first part of a module's name below the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports_of(path: Path) -> set[str]:
    """List the dotted modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_rooms(names: set[str]) -> set[str]:
    """Give the rooms of this package among dotted names."""
    rooms = {name.split(".")[1] for name in names if name.startswith("digest.")}
    return {
        room for room in rooms if (PACKAGE / room).exists() or (PACKAGE / f"{room}.py").exists()
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_what_its_floor_allows(path):
    room = room_of(path)

    assert own_rooms(imports_of(path)) <= MAY_IMPORT[room]


@pytest.mark.parametrize("package", NAMED_IN)
def test_a_package_is_named_in_its_room_alone(package):
    places = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if any(name.split(".")[0] == package for name in imports_of(path))
    }

    assert places
    assert {
        place for place in places if not any(place.startswith(room) for room in NAMED_IN[package])
    } == set()


def test_command_line_starts_without_the_heavy_packages():
    """`digest --help` answers at once: nothing heavy stands at the top of cli/."""
    heavy = {"numpy", "scipy", "sqlalchemy", "feedparser", "aiohttp", "jinja2"}
    seen = set()

    def visit(module: str) -> None:
        path = PACKAGE.parent / (module.replace(".", "/") + ".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        if module in seen or not path.exists():
            return
        seen.add(module)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                )
                assert not {name.split(".")[0] for name in names} & heavy, module
                for name in names:
                    visit(name)

    visit("digest.cli")

    assert "digest.cli.days" in seen
