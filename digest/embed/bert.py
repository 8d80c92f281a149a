"""A sentence-embedding model of the BERT family, from a local folder: numpy does the work.

The folder is one of sentence-transformers: `config.json`, `model.safetensors`,
`tokenizer.json`, `1_Pooling/config.json`.  Attention heads are computed as Devlin et al. 2019
(NAACL, 4171-4186) have it, the sentence as the mean of its tokens (Reimers and Gurevych 2019,
EMNLP, 3982-3992).

Shapes: b texts of at most t tokens, h hidden numbers in a heads.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf
from threadpoolctl import ThreadpoolController

from digest.errors import ConfigError

Array: TypeAlias = NDArray[np.float32]

BATCH = 16  # texts at a time: attention takes BATCH * heads * tokens * tokens numbers
MOST_TOKENS = 512
FAMILY = ("bert",)  # `model_type` of config.json; others differ in their layers
# With two threads on a busy machine 16 abstracts took 23 s, with one 7 s.
BLAS = ThreadpoolController()
NEVER = np.float32(-1e9)  # added to what a token shall not attend to: padding


class BertModel:
    """A model read from a folder; safe to share between threads.

    Args:
        folder: see above.

    Raises:
        ConfigError: the folder holds no such model, or one of another family.
    """

    def __init__(self, folder: Path) -> None:
        config = _read_json(folder / "config.json")
        _check(folder, config)
        try:
            # The extra `embeddings` brings both; without it the program runs as ever.
            from safetensors import SafetensorError
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ConfigError(
                'embeddings.folder: needs the extra: pip install "daily-digest[embeddings]"'
            ) from error
        try:
            loaded = load_file(folder / "model.safetensors")
            # The library raises plain Exception for a file that it cannot read.
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except (OSError, SafetensorError, Exception) as error:
            raise ConfigError(f"embeddings.folder: {folder}: {error}") from error
        self._weights = {
            name.removeprefix("bert."): np.ascontiguousarray(value, dtype=np.float32)
            for name, value in loaded.items()
            if value.dtype.kind == "f"
        }
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = np.float32(config.get("layer_norm_eps", 1e-12))
        limits = _read_json(folder / "sentence_bert_config.json", needed=False)
        most = min(int(config.get("max_position_embeddings", MOST_TOKENS)), MOST_TOKENS)
        self._tokenizer.enable_truncation(min(int(limits.get("max_seq_length", most)), most))
        self._tokenizer.no_padding()
        self.name = f"{folder.name}:{_fingerprint(self._weights)}"
        _check_weights(folder, self._weights, self._layers)

    def embed(self, texts: Sequence[str]) -> Array:
        """Give texts as rows of unit length: [n, h]."""
        readable = [text.encode("utf-8", "replace").decode() for text in texts]
        tokens = [encoded.ids for encoded in self._tokenizer.encode_batch(readable)]
        found = np.zeros((len(texts), self._weights["embeddings.word_embeddings.weight"].shape[1]))
        # Texts of one length together: nothing is computed for padding then.
        order = sorted(range(len(tokens)), key=lambda n: len(tokens[n]))
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            with BLAS.limit(limits=1):
                found[part] = self._sentences([tokens[n] for n in part])
        return found.astype(np.float32)

    def _sentences(self, tokens: Sequence[Sequence[int]]) -> Array:
        wide = max(map(len, tokens))
        ids = np.zeros((len(tokens), wide), dtype=np.int64)
        shown = np.zeros((len(tokens), wide), dtype=np.float32)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
            shown[row, : len(one)] = 1.0
        hidden = self._encode(ids, shown)
        mean = (hidden * shown[:, :, None]).sum(axis=1) / shown.sum(axis=1, keepdims=True)
        length = np.sqrt((mean**2).sum(axis=1, keepdims=True))
        return np.asarray(mean / np.maximum(length, 1e-12))

    def _encode(self, ids: NDArray[np.int64], shown: Array) -> Array:
        """Run all layers: [b, t] to [b, t, h]."""
        weights = self._weights
        hidden = weights["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._normal(hidden, "embeddings.LayerNorm")
        hidden_from = (1.0 - shown)[:, None, None, :] * NEVER
        for number in range(self._layers):
            layer = f"encoder.layer.{number}."
            heard = self._attend(hidden, hidden_from, layer + "attention.self.")
            heard = self._linear(heard, layer + "attention.output.dense")
            hidden = self._normal(hidden + heard, layer + "attention.output.LayerNorm")
            inner = _gelu(self._linear(hidden, layer + "intermediate.dense"))
            outer = self._linear(inner, layer + "output.dense")
            hidden = self._normal(hidden + outer, layer + "output.LayerNorm")
        return hidden

    def _attend(self, hidden: Array, hidden_from: Array, name: str) -> Array:
        texts, tokens, width = hidden.shape
        split = (texts, tokens, self._heads, width // self._heads)
        query, key, value = (
            self._linear(hidden, name + part).reshape(split).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        score = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(split[3])) + hidden_from
        score = np.exp(score - score.max(axis=-1, keepdims=True))
        score /= score.sum(axis=-1, keepdims=True)
        return np.asarray((score @ value).transpose(0, 2, 1, 3).reshape(texts, tokens, width))

    def _linear(self, hidden: Array, name: str) -> Array:
        return np.asarray(
            hidden @ self._weights[name + ".weight"].T + self._weights[name + ".bias"]
        )

    def _normal(self, hidden: Array, name: str) -> Array:
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self._epsilon)
        return np.asarray(
            centred / spread * self._weights[name + ".weight"] + self._weights[name + ".bias"]
        )


def _gelu(hidden: Array) -> Array:
    return np.asarray(hidden * 0.5 * (1.0 + erf(hidden / np.float32(np.sqrt(2.0)))), np.float32)


def _check(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse what this forward pass would get wrong."""
    family = config.get("model_type")
    if family not in FAMILY:
        raise ConfigError(
            f"embeddings.folder: {folder}: a model of the family {family!r}, this program reads"
            f" {', '.join(FAMILY)}: serve it behind an OpenAI-compatible endpoint (embeddings.url)"
        )
    for key, wanted in (("hidden_act", "gelu"), ("position_embedding_type", "absolute")):
        if config.get(key, wanted) != wanted:
            raise ConfigError(
                f'embeddings.folder: {folder}: {key} = {config[key]!r}, expected "{wanted}"'
            )
    pooling = _read_json(folder / "1_Pooling" / "config.json", needed=False)
    if not pooling.get("pooling_mode_mean_tokens", True):
        raise ConfigError(f"embeddings.folder: {folder}: pooling is not the mean of the tokens")


def _check_weights(folder: Path, weights: Mapping[str, Array], layers: int) -> None:
    last = f"encoder.layer.{layers - 1}.output.LayerNorm.bias"
    for name in ("embeddings.word_embeddings.weight", last):
        if name not in weights:
            raise ConfigError(f"embeddings.folder: {folder}: model.safetensors lacks {name}")


def _fingerprint(weights: Mapping[str, Array]) -> str:
    """Tell models of one name apart, by a sample of their weights."""
    sample = b"".join(weights[name].ravel()[:64].tobytes() for name in sorted(weights))
    return hashlib.sha256(sample).hexdigest()[:12]


def _read_json(path: Path, *, needed: bool = True) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if not needed:
            return {}
        raise ConfigError(f"embeddings.folder: {path}: no such file") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"embeddings.folder: {path}: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"embeddings.folder: {path}: expected a JSON object")
    return found
