"""What `pip install` brings along: templates, migrations and data, not the code alone."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def names_in_wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w"]
    subprocess.run([sys.executable, *build, str(folder), str(REPOSITORY)], check=True)
    [wheel] = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize(
    ("folder", "into"),
    [
        pytest.param("templates", "digest/templates", id="templates"),
        pytest.param("digest", "digest", id="package"),
    ],
)
def test_wheel_holds_every_tracked_file(names_in_wheel, folder, into):
    command = ["git", "ls-files", folder]
    tracked = subprocess.check_output(command, cwd=REPOSITORY, text=True).splitlines()

    assert tracked
    missing = {name for name in tracked if into + name.removeprefix(folder) not in names_in_wheel}
    assert missing == set()
