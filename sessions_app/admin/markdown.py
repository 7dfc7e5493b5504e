"""What a model wrote, as HTML: Markdown with few kinds of elements, no HTML of its own, no images, no styles."""

from typing import Any

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML

# Everything else stays as it was written: HTML, images, references.
ALLOWED = (
    *("heading", "lheading", "list", "blockquote", "fence", "code", "hr", "table"),
    *("emphasis", "strikethrough", "backticks", "link", "autolink", "newline", "escape", "entity"),
)
SCHEMES = ("https://", "http://", "mailto:")


class _Renderer(RendererHTML):
    """Renders without `style` attributes, which the Content-Security-Policy forbids."""

    def renderToken(self, tokens: Any, idx: int, options: Any, env: Any) -> str:  # noqa: N802 - its name there
        tokens[idx].attrs.pop("style", None)
        if tokens[idx].type == "link_open":
            tokens[idx].attrs |= {"rel": "noopener noreferrer nofollow", "target": "_blank"}
        if tokens[idx].tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            tokens[idx].tag = "h4"  # the page has headings of its own
        return super().renderToken(tokens, idx, options, env)

    def fence(self, tokens: Any, idx: int, options: Any, env: Any) -> str:
        """Render a block of code like any other, since its language would become a class."""
        return self.code_block(tokens, idx, options, env)


def _is_allowed(url: str) -> bool:
    return url.lower().startswith(SCHEMES)


_markdown = MarkdownIt("zero", {"html": False, "maxNesting": 20}, renderer_cls=_Renderer).enable(list(ALLOWED))
_markdown.validateLink = _is_allowed  # type: ignore[method-assign]


def to_html(text: str) -> SafeString:
    """Return a text of a model as safe HTML.

    Args:
        text: Markdown.
    """
    html: str = _markdown.render(text)
    return mark_safe(html)  # noqa: S308 - the renderer escapes all text and passes no HTML through
