"""Which elements of a DOCX repeat text, are symbols, or contain what is not read."""

# These repeat text: moved text also appears at its new position, drawings have a fallback for older programs, and
# tracked changes of properties hold the earlier ones. `rt` is the reading aid above a character.
SKIPPED = {"moveFrom", "compatibility:Fallback", "rt"}
SKIPPED |= {f"{name}Change" for name in ("pPr", "rPr", "tblPr", "trPr", "tcPr", "sectPr", "tblGrid", "numbering")}
TEXT = {"t", "math:t"}
SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
LOST = {"drawing:blip": "images", "vml:imagedata": "images", "chart:chart": "charts", "diagram:relIds": "charts"}
LOST |= {"object": "objects", "altChunk": "objects", "txbxContent": "text_boxes", "math:oMath": "equations"}
