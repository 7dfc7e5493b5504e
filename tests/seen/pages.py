"""HTML as programs write it: what is extracted from each page, and what is not."""

from tests.seen.documents import ENCODING, HTML, File, page

WORD_PAGE = """<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
<head><meta http-equiv=Content-Type content="text/html; charset=windows-1252"><title>Quitten</title>
<!--[if gte mso 9]><xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings></xml><![endif]-->
<style><!-- p.MsoNormal {mso-style-parent:""; color:black; mso-style-textfill-fill-color:black} --></style></head>
<body lang=DE style='tab-interval:35.4pt'><div class=WordSection1><h1>Ernte<o:p></o:p></h1>
<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><![if !supportLists]><span style='mso-list:Ignore'>1.
</span><![endif]>Im Herbst<o:p>&nbsp;</o:p></p><p class=MsoNormal><span style='display:none;mso-hide:all'>geheim</span>
Gr\xfc\xdfe</p></div></body></html>"""
GOOGLE_PAGE = """<html><head><meta content="text/html; charset=UTF-8" http-equiv="content-type"><style type="text/css">
@import url('https://themes.googleusercontent.com/fonts/css?kit=x');ol{margin:0;padding:0}table td,table th{padding:0}
.c1{color:#000000;font-weight:400;text-decoration:none;font-size:11pt}.c2{background-color:#ffffff;max-width:451.4pt;
padding:72pt 72pt 72pt 72pt}.c3{background-color:#1c4587}.c4{color:#ffffff}.c5{height:11pt}</style></head>
<body class="c2 doc-content"><h1 class="c6" id="h.x"><span class="c1">Harvest</span></h1><p class="c7"><span class="c1">
Pick in October</span><sup><a href="#ftnt1" id="ftnt_ref1">[1]</a></sup><sup><a href="#cmnt1" id="cmnt_ref1">[a]</a></sup></p>
<table><tr><td class="c3"><p><span class="c4">Sort</span></p></td></tr></table><p class="c5"><span class="c1"></span></p>
<hr class="c8"><div><p><a href="#ftnt_ref1" id="ftnt1">[1]</a><span>&nbsp;Before the frost.</span></p></div>
<div class="c9"><p><a href="#cmnt_ref1" id="cmnt1">[a]</a><span class="c1">Really?</span></p></div></body></html>"""
CONFLUENCE_PAGE = """<!DOCTYPE html><html><head><title>Garden : Quince</title><link rel="stylesheet" href="styles/site.css">
<META http-equiv="Content-Type" content="text/html; charset=UTF-8"></head><body class="theme-default aui-theme-default">
<div id="page"><div id="main" class="aui-page-panel"><div id="main-header"><div id="breadcrumb-section"><ol id="breadcrumbs">
<li class="first"><span><a href="index.html">Garden</a></span></li></ol></div><h1 id="title-heading" class="pagetitle">
<span id="title-text">Garden : Quince</span></h1></div><div id="content" class="view"><div class="page-metadata">Created by
<span class='author'> Quincy</span></div><div id="main-content" class="wiki-content group"><h2 id="Quince-Soil">Soil</h2>
<div class="confluence-information-macro"><p class="title">Note</p><div class="confluence-information-macro-body"><p>Not wet.</p>
</div></div><div id="expander-1" class="expand-container"><div id="expander-control-1" class="expand-control"><span
class="expand-control-text">More</span></div><div id="expander-content-1" class="expand-content"><p>Lime helps.</p></div></div>
<div class="table-wrap"><table class="confluenceTable"><tbody><tr><th class="confluenceTh">pH</th><td class="confluenceTd">6<br/>7
</td></tr></tbody></table></div></div></div></div></div></body></html>"""

PAGES: dict[str, File] = {
    "headings that begin at the second level and skip": page(
        f"{HTML}/#headings-and-outlines-2",
        "<h2>Refunds<a class=headerlink href='#r'>¶</a></h2><p>1<h2>Shipping</h2><p>2<h4>By <em>air</em></h4><p>3<h4>By sea</h4><p>4<h3>Costs</h3><p>5",
        headings=("Refunds", "Shipping", "Shipping > By air", "Shipping > By sea", "Shipping > Costs"),
    ),
    "UTF-8 that says ISO-8859-1": page(ENCODING, '<meta charset="iso-8859-1"><p>Größe – “x”', "Größe – “x”"),
    "windows-1252 that says UTF-8": page(
        ENCODING, '<meta charset="utf-8"><p>Größe – “x”'.encode("cp1252"), "Größe – “x”"
    ),
    "UTF-16 that says UTF-8": page(
        f"{HTML}/#determining-the-character-encoding",
        b"\xff\xfe" + '<meta charset="utf-8"><p>Größe'.encode("utf-16-le"),
        "Größe",
    ),
    "ASCII that says UTF-16": page(
        f"{HTML}/#prescan-a-byte-stream-to-determine-its-encoding",
        '<meta charset="utf-16"><p>Gr&ouml;&szlig;e x',
        "Größe x",
    ),
    "Russian of Windows, declared": page(
        ENCODING,
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>Айва'.encode("cp1251"),
        "Айва",
    ),
    "XHTML in ISO-8859-2": page(
        "w3.org/TR/xhtml1",
        '<?xml version="1.0" encoding="ISO-8859-2"?><html><p>Pigwa – źdźbło'.replace("–", "-").encode("iso-8859-2"),
        "Pigwa - źdźbło",
    ),
    "a page of Word": page(
        "learn.microsoft.com/office/vba (Word HTML)",
        WORD_PAGE.encode("cp1252"),
        "Im Herbst",
        "Grüße",
        absent=("geheim", "AllowPNG"),
        hidden=("geheim",),
        headings=("Ernte",),
        title="Quitten",
    ),
    "a page of Google Docs": page(
        "support.google.com/docs", GOOGLE_PAGE, "Pick in October", "Sort", "Before the frost.", headings=("Harvest",)
    ),
    "a page of Confluence": page(
        "confluence.atlassian.com (export to HTML)",
        CONFLUENCE_PAGE,
        "Quincy",
        "Not wet.",
        "Lime helps.",
        "pH | 6",
        "7",
        absent=("Garden\n",),
        headings=("Garden : Quince", "Garden : Quince > Soil"),
        title="Garden : Quince",
    ),
    "tables within tables": page(
        f"{HTML}/#tables",
        "<table><tr><td>left<table><tr><td>in</td><td>ner</td></tr></table></td><td>right</td></tr></table>",
        "left",
        "in",
        "ner",
        "right",
    ),
    "spans of cells and a caption": page(
        f"{HTML}/#the-caption-element",
        "<table><caption>Prices</caption><thead><tr><th colspan=2>Jam<th>Pie<tbody><tr><td rowspan=2>7<td>8<td>9<tr><td>5<td>6</table>",
        "Prices",
        "Jam | Pie",
        "7 | 8 | 9",
        "5 | 6",
    ),
    "terms and their meanings": page(
        f"{HTML}/#the-dl-element",
        "<dl><dt>Quince<dd>A fruit.<dt>Medlar<dd>Another.</dl>",
        "Quince\n",
        "A fruit.\n",
        "Medlar\n",
        "Another.",
    ),
    "code with coloured words": page(
        f"{HTML}/#the-pre-element",
        '<pre>\n<span class="k">def</span> <span>f</span>():\n    <span class="k">return</span> 7\n</pre>',
        "def f():\n    return 7",
    ),
    "ruby": page(f"{HTML}/#the-ruby-element", "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字", "漢"),
    "breaks within words": page(
        f"{HTML}/#the-wbr-element", "<p>Quit&shy;ten<wbr>brot <b>pre</b>fix</p><p>a<br>b", "Quittenbrot prefix", "a\nb"
    ),
    "end tags left out": page(
        f"{HTML}/#optional-tags",
        "<title>T</title><p>one<p>two<ul><li>x<li>y<ul><li>z</ul></ul>",
        "one\n\ntwo",
        "x",
        "y",
        "z",
    ),
    "numbers of Windows characters": page(
        f"{HTML}/#numeric-character-reference-end-state",
        "<p>a&#150;b &#x80; &hellip;&nbsp;c &amp;lt;",
        "a–b € … c &lt;",
    ),
    "a script that holds tags": page(
        f"{HTML}/#scripting",
        '<p>a<script>x="<p>no</p><!--";</script><p>b<template><p>no</template><noscript>plain</noscript>',
        "a",
        "b",
        absent=("no\n",),
    ),
    "formulas": page("w3.org/TR/mathml-core", "<math><mi>a</mi><mo>+</mo><mi>b</mi></math>", "a+b"),
    "a dark page of old attributes": page(
        f"{HTML}/#the-page",
        '<body bgcolor="#000000" text="#ffffff"><p>Night jam</p><font color="#ffffff">too</font>',
        "Night jam",
        "too",
    ),
    "white on a blue cell": page(
        f"{HTML}/#tables-2",
        '<table><tr><td bgcolor="#000080"><font color=white>Sort</font><td><font color=white>gnome</font></table>',
        "Sort",
        absent=("gnome",),
        hidden=("gnome",),
    ),
    "hidden on paper and on phones only": page(
        "w3.org/TR/mediaqueries-5",
        "<style>@media print{.a{display:none}}@media (max-width:600px){.b{display:none}}@media screen{.c{display:none}}</style><p class=a>one<p class=b>two<p class=c>gnome",
        "one",
        "two",
        absent=("gnome",),
    ),
    "for screen readers alone": page(
        "getbootstrap.com/docs/5.3/helpers/visually-hidden",
        "<style>.sr-only{position:absolute;width:1px;height:1px;padding:0;margin:-1px;overflow:hidden;clip:rect(0,0,0,0);border:0}</style><p>Jam<span class=sr-only>gnome</span>",
        "Jam",
        absent=("gnome",),
        hidden=("gnome",),
    ),
    "a frameset": page(
        f"{HTML}/#frames",
        '<frameset cols="20%,*"><frame src="a.html"><frame src="b.html"></frameset>',
        refused="no text",
    ),
    "a single-file page": page(
        "rfc-editor.org/rfc/rfc2557",
        'From: <Saved by Blink>\r\nSubject: Quince\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="x"\r\n\r\n--x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>Gr=C3=BC=C3=9Fe=\r\n</p>\r\n--x--\r\n',
        refused="MHTML",
    ),
    "a form": page(
        f"{HTML}/#forms",
        '<label>Name <input value="Quincy" placeholder=x></label><select><option>Jam<option>Pie</select><textarea>notes</textarea></form>',
        "Name",
        "notes",
    ),
    "struck text": page(
        f"{HTML}/#the-s-element", "<p>Was <s>7</s> <ins>8</ins> <del>9</del>", "Was 8", absent=("7", "9")
    ),
    "headings that skip and wrap": page(
        f"{HTML}/#headings-and-outlines-2",
        "<h1>A\n  <small>b</small></h1><p>x<h4>D<br>e</h4><p>y",
        "x",
        "y",
        headings=("A b", "A b > D e"),
    ),
    "hidden=until-found and details": page(
        f"{HTML}/#the-hidden-attribute",
        "<p hidden=until-found>found<details><summary>More</summary>jam</details>",
        "found",
        "More",
        "jam",
    ),
    "an inline frame and an object": page(
        f"{HTML}/#the-iframe-element",
        "<p>a<iframe srcdoc='<p>in'>old</iframe><object data=x.pdf>Get the file</object><video>old</video>",
        "a",
    ),
}
