"""Templates and the words of a language: what mail and pages are made with."""

from digest.render.language import Language
from digest.render.style import inline_style
from digest.render.templates import Form, Templates, shipped_folder

__all__ = ["Form", "Language", "Templates", "inline_style", "shipped_folder"]
