"""Cells of a sheet are shown as a spreadsheet program shows them, with their units."""

import datetime

import pytest

from apps_registry.extraction.formats.xlsx.cell_values import shown_value

ACCOUNTING = '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)'
SCALED = '[>=1000000]0.0,,"M";[>=1000]0.0,"k";0'
NUMBERS = [
    ('#,##0.00 "EUR"', 9.9, "9.90 EUR"),
    ('#,##0.00 "EUR"', 1234567.891, "1,234,567.89 EUR"),
    ('#,##0.00 "EUR"', -9.9, "-9.90 EUR"),
    ('0" kg"', 12, "12 kg"),
    ('0.0"°C"', 21.46, "21.5°C"),
    ('"Q"0', 3, "Q3"),
    ("#,##0.00 [$€-407]", 7.5, "7.50 €"),
    ("[$CHF] #,##0.00", 5.5, "CHF 5.50"),
    ("[$€-2]\\ #,##0", 1500, "€ 1,500"),
    ("$#,##0.00", 7, "$7.00"),
    ("0.0%", 0.125, "12.5%"),
    ("0\\ %", 0.07, "7 %"),
    ('0,"k"', 12345, "12k"),
    ("0.0,,", 2_500_000, "2.5"),
    (SCALED, 2500, "2.5k"),
    (SCALED, 3_200_000, "3.2M"),
    (SCALED, 7, "7"),
    (SCALED, -5, "-5"),
    ("#,##0;(#,##0)", -1500, "(1,500)"),
    ("[Red]0.0;[Blue]-0.0", -1.25, "-1.3"),
    ('0;-0;"none"', 0, "none"),
    ('"yes";;"no"', 1, "yes"),
    (";;;", 5, ""),
    (ACCOUNTING, 9.5, "$9.50"),
    (ACCOUNTING, -9.5, "$(9.50)"),
    (ACCOUNTING, 0, "$-"),
    ("# ##0.00_ €", 7.5, "7.50 €"),
    ("00000", 420, "00420"),
    ("000-00-0000", 123456789, "123-45-6789"),
    ("(000) 000-0000", 5551234567, "(555) 123-4567"),
    ("0.##", 1, "1"),
    ("0.##", 1.5, "1.5"),
    ("#.00", 0.5, ".50"),
    (".0", 1, "1.0"),
    ("0.00E+00", 12345, "1.23E+04"),
    ("0.0E-0", 0.00012, "1.2E-4"),
    ("# ?/?", 1.5, "1 1/2"),
    ("# ??/16", 0.25, "4/16"),
    ('# ?/8" in"', 0.999, "1 in"),
    ("?/?", 1.5, "3/2"),
    ('General" pcs"', 3.5, "3.5 pcs"),
    ("General", 0.1 + 0.2, "0.3"),
    ("@", 5, "5"),
    ("0.00", 2.675, "2.68"),  # as in Excel, which rounds the decimal number
    ('0"a;b"', 1, "1a;b"),
    ('"', 1, ""),
    ("0.0", -0.01, "0.0"),
]
TEXTS = [
    ("General", "a", "a"),
    ('0;-0;0;"Part "@', "AX", "Part AX"),
    ('@" kg"', "12", "12 kg"),
    ("0.00", "open", "open"),
    (";;;", "gnome", ""),
]
MAY = datetime.datetime(2026, 5, 2, 16, 30)
MOMENTS = [
    ("[h]:mm", datetime.timedelta(hours=30), "30:00"),
    ("[h]:mm:ss", datetime.timedelta(hours=100, seconds=61), "100:01:01"),
    ('[mm]" min"', datetime.timedelta(hours=2, minutes=5), "125 min"),
    ("[h]:mm", datetime.timedelta(hours=-1), "-1:00"),
    ("d/m/yy", MAY, "2026-05-02"),
    ('"Due "dd\\.mm\\.yyyy', MAY, "Due 2026-05-02"),
    ('h:mm" Uhr"', MAY, "16:30 Uhr"),
    ("h:mm AM/PM", MAY, "16:30"),
    ('yyyy"年"m"月"d"日"', MAY, "2026-05-02"),
    ('d" de "mmmm" de "yyyy', MAY, "2026-05-02"),
    ("[$-409]mmm yyyy", MAY, "2026-05"),
    ("yyyy", MAY, "2026"),
    ("h:mm", datetime.time(9, 5), "09:05"),
    ("yyyy-mm-dd h:mm", MAY, "2026-05-02 16:30"),
]


@pytest.mark.parametrize(("number_format", "value", "shown"), [*NUMBERS, *TEXTS, *MOMENTS])
def test_a_value_is_shown_with_its_format(number_format: str, value: object, shown: str) -> None:
    assert shown_value(value, number_format) == shown
