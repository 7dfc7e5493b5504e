"""Pages of questions and answers, and the parts that a site repeats on every page."""

from tests.seen.documents import HTML, File, page

BODY = (
    "<p>Refunds take five days. They go to the card that was charged, and a letter says when they are on their way.</p>"
)
ANSWER = "<style>.answer{display:none}</style>"

FAQ_PAGES: dict[str, File] = {
    "questions in buttons": page(
        "w3.org/WAI/ARIA/apg/patterns/accordion",
        "<h2>FAQ</h2><h3><button aria-expanded=false aria-controls=a1>How long do refunds take?</button></h3><div id=a1 hidden>Five days.</div>"
        "<button class=accordion>Who pays postage?</button><div class=panel style='max-height:0;overflow:hidden'>We do.</div>"
        "<button>Buy now</button>",
        "Five days.",
        "Who pays postage?",
        "We do.",
        absent=("Buy now",),
        headings=("FAQ > How long do refunds take?",),
    ),
    "questions in elements that scripts make buttons": page(
        "getbootstrap.com/docs/5.3/components/accordion",
        ANSWER + "<div class='faq-question' onclick='x()'>How long?</div><div class=answer>Five days.</div>"
        "<dl><dt>Who pays?</dt><dd class=answer>We do.</dd></dl>"
        "<input type=checkbox id=c><label for=c>Where to?</label><div class=answer>To Graz.</div>"
        "<p>Text.</p><div class=answer>gnome</div>",
        "How long?",
        "Five days.",
        "Who pays?",
        "We do.",
        "Where to?",
        "To Graz.",
        absent=("gnome",),
        hidden=("gnome",),
    ),
    "questions in details": page(
        f"{HTML}/#the-details-element",
        "<details><summary><h3>How long?</h3></summary><p>Five days.</details><details><summary>Who pays?</summary>We do.</details>",
        "Five days.",
        "Who pays?",
        "We do.",
    ),
    "menus, banners and footers of a site": page(
        f"{HTML}/#sections",
        "<body><a class=skip-link href=#m>Skip to content</a><header><a href=/>Quince Ltd</a><input></header>"
        "<nav><a href=/a>Prices</a></nav><ul class='main-menu'><li><a href=/b>Jam</a><li><a href=/c>Pies</a></ul>"
        "<div id=cookie-consent><p>We use cookies. <button>Accept</button></div>"
        f"<main id=m><header><h1>Refunds</h1></header>{BODY}<footer>Checked in May.</footer></main>"
        "<div class='menu'><p>Soup of the day, and a pie.</p></div>"
        "<footer><p>© Quince Ltd</p></footer></body>",
        "Refunds take five days.",
        "Checked in May.",
        "Soup of the day, and a pie.",
        absent=("Skip to", "Quince Ltd", "Prices", "Jam", "cookies", "©"),
        headings=("Refunds",),
    ),
    "a page that is a menu": page(
        f"{HTML}/#the-nav-element", "<nav><a href=a>Prices</a> <a href=b>Jam</a></nav>", "Prices"
    ),
    "a page in a footer": page(f"{HTML}/#the-footer-element", f"<footer>{BODY}</footer>", "Refunds take five days."),
}
