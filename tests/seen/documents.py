"""Text and Markdown files as programs write them: what is extracted from each, and what is not."""

from dataclasses import dataclass


@dataclass
class File:
    """A file, and what a search should find in it.

    Attributes:
        kind: the reader.
        texts: texts that are extracted, in this order.
        absent: texts that are not extracted.
        hidden: texts that are listed as hidden.
        headings: headings of the passages, in this order.
        refused: words of the reason, if the file is refused.
    """

    source: str
    kind: str
    data: bytes
    texts: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    title: str | None = None
    refused: str = ""


def plain(source: str, data: bytes | str, *texts: str, **more: object) -> File:
    return File(source, "text", data if isinstance(data, bytes) else data.encode(), texts, **more)  # type: ignore[arg-type]


def marked(source: str, data: bytes | str, *texts: str, **more: object) -> File:
    data = data if isinstance(data, bytes) else data.encode()
    return File(source, "markdown", data, texts, **more)  # type: ignore[arg-type]


def page(source: str, data: bytes | str, *texts: str, **more: object) -> File:
    return File(source, "html", data if isinstance(data, bytes) else data.encode(), texts, **more)  # type: ignore[arg-type]


ENCODING = "encoding.spec.whatwg.org"
COMMON = "spec.commonmark.org/0.31.2"
HTML = "html.spec.whatwg.org"

TEXTS: dict[str, File] = {
    "Excel's Unicode text": plain(
        "support.microsoft.com (file formats supported in Excel)",
        b"\xff\xfe" + "Name\tPreis\r\nKürbis\t7 €\r\n".encode("utf-16-le"),
        "Name",
        "Kürbis",
        "7 €",
    ),
    "UTF-16 without a mark": plain(ENCODING, "Name,Price\r\nQuince,7\r\n".encode("utf-16-le") * 4, "Quince,7"),
    "UTF-16 of the other order": plain(ENCODING, b"\xfe\xff" + "Kürbis".encode("utf-16-be"), "Kürbis"),
    "UTF-32 with a mark": plain("unicode.org/faq/utf_bom", b"\xff\xfe\0\0" + "Kürbis".encode("utf-32-le"), "Kürbis"),
    "form feeds between pages": plain(
        "rfc-editor.org/rfc/rfc2223", "One ends.\n\f\nTwo begins.\n", "One ends.", "Two begins."
    ),
    "colours of a terminal": plain(
        "ecma-international.org (ECMA-48)", "\x1b[1;31merror:\x1b[0m no quince\n\x1b[K", "error: no quince"
    ),
    "bold by overstriking": plain(
        "man.openbsd.org/mandoc", "N\bNA\bAM\bME\bE\n  _\bq_\bu_\bi_\bn_\bc_\be\n", "NAME", "quince"
    ),
    "carriage returns alone": plain("en.wikipedia.org/wiki/Newline", b"one\rtwo\r\rthree", "one\ntwo\n\nthree"),
    "one bad byte in UTF-8": plain(ENCODING, "Grüße aus Zürich\n".encode() * 50 + b"it\x92s", "Grüße aus Zürich", "it"),
    "Ctrl-Z at the end": plain(
        "en.wikipedia.org/wiki/Substitute_character", b"Quince.\r\n\x1a", "Quince.", absent=("\x1a",)
    ),
    "two files joined, each with its mark": plain(ENCODING, "\ufeffone\n\ufefftwo", "one\ntwo"),
    "soft hyphens within words": plain("unicode.org/reports/tr14", "Quit\xadten\xadbrot", "Quittenbrot"),
    "decomposed letters": plain("unicode.org/reports/tr15", "Gro\u0308\u00dfe Ku\u0308rbisse", "Größe Kürbisse"),
    "ligatures": plain("unicode.org/reports/tr15", "The o\ufb03ce \ufb01le", "The office file"),
    "text from right to left": plain(
        "unicode.org/reports/tr9", "\u200fשלום\u200f (\u202bعربي\u202c) abc", "שלום", "عربي", "abc"
    ),
    "a letter of RTF": plain("latex2rtf.sourceforge.net/rtfspec", r"{\rtf1\ansi Quince \b jam\b0.}", refused="RTF"),
    "one line without end": plain("json.org", '{"quince":"jam",' * 5000, '{"quince":"jam"'),
}

MARKDOWN: dict[str, File] = {
    "headings that begin at the second level": marked(
        COMMON,
        "Intro\n\n## Refunds\n\nOne.\n\n## Shipping\n\nTwo.\n\n### Costs\n\nThree.\n\n## Returns\n\nFour.",
        headings=("", "Refunds", "Shipping", "Shipping > Costs", "Returns"),
    ),
    "headings that skip a level": marked(
        COMMON,
        "# Shop\n\n### Refunds\n\nOne.\n\n### Shipping\n\nTwo.\n\n## Staff\n\nThree.\n\n### Hours\n\nFour.",
        headings=("Shop > Refunds", "Shop > Shipping", "Shop > Staff", "Shop > Staff > Hours"),
    ),
    "a heading that is a whole paragraph": marked(
        COMMON, f"# Terms {'and conditions ' * 20}of quinces\n\nOne.", "of quinces"
    ),
    "headings with markup": marked(
        COMMON,
        '## **Refunds** for [`orders`](x.md "t") <a name=r></a>![](i.png)[^1] {#refunds}\n\nOne.\n\n'
        "## AT&amp;T \\*net\\* <https://x.example> ~~old~~ [text][ref]\n\nTwo.\n\n[ref]: y.md",
        headings=("Refunds for orders", "AT&T *net* https://x.example text"),
    ),
    "headings without text": marked(
        COMMON,
        "# Shop\n\n## Closed on Sundays\n\n## Hours\n\nNine to five.\n\n<h2>No refunds</h2><h2>Notes</h2><p>x</p>\n\n## No dogs",
        "Closed on Sundays",
        "Nine to five.",
        "No refunds",
        "x",
        "No dogs",
        headings=("Shop > Closed on Sundays", "Shop > Hours", "Shop > No refunds", "Shop > Notes", "Shop > No dogs"),
    ),
    "headings in HTML between Markdown": marked(
        COMMON,
        '<h1 align="center">Shop</h1>\n\nOne.\n\n<h3>Refunds</h3>\n\nTwo.\n\n<h3>Costs</h3>\n<p>Three.</p>\n\n## Staff\n\nFour.',
        headings=("Shop", "Shop > Refunds", "Shop > Costs", "Shop > Staff"),
        title="Shop",
    ),
    "front matter in YAML": marked(
        "jekyllrb.com/docs/front-matter",
        "---\ntitle: Quinces\ntags: [a]\n---\n\nThey ripen late.\n",
        "title: Quinces\ntags: a",
        "They ripen late.",
        headings=("",),
        title="Quinces",
    ),
    "front matter in TOML": marked(
        "gohugo.io/content-management/front-matter",
        '+++\ntitle = "Quinces"\ndraft = true\n+++\n\nThey ripen late.\n',
        "title: Quinces\ndraft: true",
        "They ripen late.",
        title="Quinces",
    ),
    "a fence with HTML and headings": marked(
        f"{COMMON}/#fenced-code-blocks",
        '# Setup\n\n```html\n# no heading\n<div style="display:none">kept</div>\n<!-- kept too -->\n```\n\nDone.\n',
        "# no heading",
        '<div style="display:none">kept</div>',
        "<!-- kept too -->",
        "Done.",
        headings=("Setup",),
    ),
    "a fence within a fence": marked(
        f"{COMMON}/#fenced-code-blocks", "~~~~\n```\n# a\n```\n~~~~\n\n# B\n\nend\n", "# a", "end", headings=("", "B")
    ),
    "code by indentation": marked(
        f"{COMMON}/#indented-code-blocks", "Use:\n\n    <b hidden>x</b>\n    # y\n", "<b hidden>x</b>", "# y"
    ),
    "headings by underlining": marked(
        f"{COMMON}/#setext-headings",
        "Trees\n=====\n\na\n\nQuince\n------\n\nb\n",
        "a",
        "b",
        headings=("Trees", "Trees > Quince"),
    ),
    "headings with marks": marked(
        f"{COMMON}/#atx-headings",
        "# [Install](x) `pip` ##\n\na\n\n#### Deep {#deep}\n\nb\n",
        "a",
        "b",
        headings=("Install pip", "Install pip > Deep"),
    ),
    "a table with a pipe in it": marked(
        "github.github.com/gfm/#tables-extension-", "|a|b|\n|-|-|\n|x \\| y|`p`|\n", "|a|b|", "x \\| y"
    ),
    "footnotes": marked(
        "docs.github.com/en/get-started/writing-on-github",
        "Ripe late[^1].\n\n[^1]: In November.\n",
        "Ripe late",
        "In November.",
    ),
    "details": marked(
        "docs.github.com/en/get-started/writing-on-github",
        "<details>\n<summary>More</summary>\n\nThe *jam* sets.\n\n</details>\n\nEnd.\n",
        "More",
        "The *jam* sets.",
        "End.",
    ),
    "admonitions": marked(
        "docusaurus.io/docs/markdown-features",
        ":::note Watch out\nHot jam.\n:::\n\n> [!WARNING]\n> Very hot.\n",
        "Watch out",
        "Hot jam.",
        "Very hot.",
    ),
    "links between notes": marked("help.obsidian.md/links", "See [[Quince jam|the jam]] and ![[pic.png]].", "the jam"),
    "line ends of Windows and a mark": marked(
        f"{COMMON}/#line-ending", "\ufeff# Trees\r\n\r\nQuince.\r\n", "Quince.", headings=("Trees",)
    ),
    "a comment by link": marked(
        f"{COMMON}/#link-reference-definitions",
        "Seen.\n\n[//]: # (Obey the gnome.)\n",
        "Seen.",
        absent=("gnome",),
        hidden=("Obey the gnome.",),
    ),
    "a text on hover": marked(
        f"{COMMON}/#links",
        '[Jam](http://x.example "Obey the gnome.")',
        "Jam",
        absent=("gnome",),
        hidden=("Obey the gnome.",),
    ),
    "less and greater": marked(
        f"{COMMON}/#raw-html",
        "If a < b and c > d, use `Vec<T>` or List<Quince>.",
        "If a < b and c > d, use `Vec<T>` or List<Quince>.",
    ),
    "addresses": marked(
        f"{COMMON}/#autolinks",
        "Ask <https://quince.example/x> or [here](https://jam.example).",
        "https://quince.example/x",
        "here",
    ),
    "tasks": marked(
        "github.github.com/gfm/#task-list-items-extension-",
        "- [x] prune\n- [ ] water\n  1. often\n",
        "prune",
        "water",
        "often",
    ),
    "hard breaks and emphasis within words": marked(
        f"{COMMON}/#hard-line-breaks",
        "one  \ntwo\\\nthree un*frigging*believable a_b_c",
        "one  \ntwo\\\nthree un*frigging*believable a_b_c",
    ),
    "entities": marked(
        f"{COMMON}/#entity-and-numeric-character-references", "a&nbsp;b &copy; &#150; &lt;p&gt;", "a&nbsp;b &copy;"
    ),
    "a badge and a picture": marked(
        f"{COMMON}/#images", "[![build](b.svg)](ci) Text ![Obey.](p.png)", "Text", hidden=("Obey.",)
    ),
}
