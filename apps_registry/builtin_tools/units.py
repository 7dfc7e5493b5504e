"""The units of measurement that can be converted, with exact factors.

Sources: SI Brochure, 9th edition (2019; prefixes of 2022): defining constants and the units accepted with SI.
NIST SP 811 (2008), appendix B: factors of the other units; only those that are exact by definition are included. They
are based on the international yard (0.9144 m) and pound (0.45359237 kg) of 1959, the standard gravity of 9.80665 m/s2
(CGPM 1901) and the US gallon of 231 cubic inches. Binary prefixes: IEC 80000-13. Only the factors of the radian and the
parsec are irrational, which makes results rounded.

Libraries such as pint compute with floats unless each definition is replaced, and are larger than this table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from apps_registry.builtin_tools.exact import Number, arithmetic, rounded


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measurement: base value = (value + offset) * factor.

    Attributes:
        name: in the singular; unique.
        dimension: what it measures; only units of the same dimension can be converted into each other.
        factor: size in base units; a Decimal if it is irrational.
        symbols: short spellings, case-sensitive (mW is not MW).
        aliases: other names, case-insensitive.
        offset: added to a value before the factor is applied; only temperatures have one.
    """

    name: str
    dimension: str
    factor: Number
    symbols: tuple[str, ...]
    aliases: tuple[str, ...]
    offset: Fraction = Fraction(0)


_POUND_FORCE = Fraction("0.45359237") * Fraction("9.80665")  # newtons
_SQUARE_INCH = Fraction("0.0254") ** 2
_FOOT_POUND = Fraction("0.3048") * _POUND_FORCE
_GALLON = 231 * Fraction("0.0254") ** 3
_IMPERIAL_GALLON = Fraction("0.00454609")
_BTU = Fraction("1055.05585262")  # international table
_ASTRONOMICAL_UNIT = Fraction(149597870700)
with arithmetic():  # otherwise these decimals would have Python's 28 digits
    _PI = +Decimal("3.1415926535897932384626433832795028841971693993751058209749445923078164")
    _RADIAN = 1 / (2 * _PI)  # turns
    _MILLIRADIAN = _RADIAN / 1000
    _PARSEC = rounded(648000 * _ASTRONOMICAL_UNIT) / _PI

# dimension: rows of (names, of which the first is shown; symbols; factor)
_ROWS: dict[str, list[tuple[str, str, str | Number]]] = {
    "length": [
        ("angstrom", "Å", "1e-10"),
        ("micron", "", "1e-6"),
        ("mil|thou", "", "0.0000254"),
        ("inch|inches", "in", "0.0254"),
        ("foot|feet", "ft", "0.3048"),
        ("yard", "yd", "0.9144"),
        ("US survey foot|US survey feet", "", Fraction(1200, 3937)),
        ("fathom", "", "1.8288"),
        ("furlong", "", "201.168"),
        ("mile|statute mile", "mi", "1609.344"),
        ("nautical mile", "nmi NM", "1852"),
        ("astronomical unit", "au AU", _ASTRONOMICAL_UNIT),
        ("light-year", "ly", "9460730472580800"),
        ("parsec", "pc", _PARSEC),
    ],
    "mass": [
        ("tonne|metric ton", "t", "1000"),
        ("carat", "ct", "0.0002"),
        ("grain", "gr", "0.00006479891"),
        ("ounce", "oz", "0.028349523125"),
        ("troy ounce", "ozt", "0.0311034768"),
        ("pound", "lb lbs", "0.45359237"),
        ("stone", "st", "6.35029318"),
        ("short ton|US ton", "", "907.18474"),
        ("long ton|imperial ton", "", "1016.0469088"),
    ],
    "temperature": [],
    "volume": [
        ("cubic metre|cubic meter", "m3 m³ m^3", "1"),
        ("cubic kilometre|cubic kilometer", "km3 km³ km^3", "1e9"),
        ("cubic decimetre|cubic decimeter", "dm3 dm³ dm^3", "1e-3"),
        ("cubic centimetre|cubic centimeter", "cm3 cm³ cm^3 cc", "1e-6"),
        ("cubic millimetre|cubic millimeter", "mm3 mm³ mm^3", "1e-9"),
        ("cubic inch|cubic inches|cu in", "in3 in³ in^3", Fraction("0.0254") ** 3),
        ("cubic foot|cubic feet|cu ft", "ft3 ft³ ft^3", Fraction("0.3048") ** 3),
        ("cubic yard", "yd3 yd³ yd^3", Fraction("0.9144") ** 3),
        ("US gallon|gallon", "gal", _GALLON),
        ("US quart|quart", "qt", _GALLON / 4),
        ("US pint|pint", "pt", _GALLON / 8),
        ("US cup|cup", "", _GALLON / 16),
        ("US fluid ounce|fluid ounce|fl oz", "floz", _GALLON / 128),
        ("US tablespoon|tablespoon", "tbsp", _GALLON / 256),
        ("US teaspoon|teaspoon", "tsp", _GALLON / 768),
        ("oil barrel|barrel of oil", "bbl", 42 * _GALLON),
        ("imperial gallon|UK gallon", "", _IMPERIAL_GALLON),
        ("imperial quart|UK quart", "", _IMPERIAL_GALLON / 4),
        ("imperial pint|UK pint", "", _IMPERIAL_GALLON / 8),
        ("imperial fluid ounce|UK fluid ounce", "", _IMPERIAL_GALLON / 160),
    ],
    "area": [
        ("square metre|square meter|sq m", "m2 m² m^2 sqm", "1"),
        ("square kilometre|square kilometer|sq km", "km2 km² km^2", "1e6"),
        ("square centimetre|square centimeter", "cm2 cm² cm^2", "1e-4"),
        ("square millimetre|square millimeter", "mm2 mm² mm^2", "1e-6"),
        ("are", "", "100"),
        ("hectare", "ha", "10000"),
        ("square inch|square inches|sq in", "in2 in² in^2 sqin", _SQUARE_INCH),
        ("square foot|square feet|sq ft", "ft2 ft² ft^2 sqft", Fraction("0.3048") ** 2),
        ("square yard|sq yd", "yd2 yd² yd^2", Fraction("0.9144") ** 2),
        ("square mile|sq mi", "mi2 mi² mi^2", Fraction("1609.344") ** 2),
        ("acre", "ac", 4840 * Fraction("0.9144") ** 2),
    ],
    "speed": [
        ("metre per second|meter per second|metres per second|meters per second", "m/s mps", "1"),
        (
            "kilometre per second|kilometer per second|kilometres per second|kilometers per second",
            "km/s",
            "1000",
        ),
        (
            "kilometre per hour|kilometer per hour|kilometres per hour|kilometers per hour",
            "km/h kph kmh",
            Fraction(5, 18),
        ),
        ("mile per hour|miles per hour", "mph mi/h", "0.44704"),
        ("foot per second|feet per second", "ft/s fps", "0.3048"),
        ("knot", "kn kt", Fraction(463, 900)),
        ("speed of light", "", "299792458"),
    ],
    "time": [
        ("minute", "min", "60"),
        ("hour", "h hr hrs", "3600"),
        ("day", "d", "86400"),
        ("week", "wk", "604800"),
        ("common year", "", 365 * Fraction(86400)),
        ("Gregorian year", "", Fraction("365.2425") * 86400),
        ("Julian year", "", Fraction("365.25") * 86400),
    ],
    "data": [],
    "energy": [
        ("erg", "", "1e-7"),
        ("foot-pound", "ftlbf", _FOOT_POUND),
        ("British thermal unit", "Btu BTU", _BTU),
        ("international table calorie", "", "4.1868"),
        ("ton of TNT|tons of TNT", "", "4.184e9"),
    ],
    "pressure": [
        ("bar", "bar", "1e5"),
        ("millibar", "mbar", "100"),
        ("standard atmosphere|atmosphere", "atm", "101325"),
        ("technical atmosphere", "at", "98066.5"),
        ("torr", "Torr", Fraction(101325, 760)),
        ("millimetre of mercury|millimeter of mercury", "mmHg", "133.322387415"),
        ("inch of mercury|inches of mercury", "inHg", "3386.388640341"),
        (
            "pound-force per square inch|pound per square inch|pounds per square inch",
            "psi",
            _POUND_FORCE / _SQUARE_INCH,
        ),
    ],
    "power": [
        ("mechanical horsepower|horsepower", "hp", 550 * _FOOT_POUND),
        ("metric horsepower", "PS", "735.49875"),
        ("Btu per hour", "Btu/h BTU/h", _BTU / 3600),
    ],
    "angle": [
        ("turn|revolution", "", "1"),
        ("degree", "deg °", Fraction(1, 360)),
        ("arcminute|minute of arc|minutes of arc", "arcmin", Fraction(1, 360 * 60)),
        ("arcsecond|second of arc|seconds of arc", "arcsec", Fraction(1, 360 * 3600)),
        ("gradian|gon", "grad", Fraction(1, 400)),
        ("radian", "rad", _RADIAN),
        ("milliradian", "mrad", _MILLIRADIAN),
    ],
    "ether": [
        ("wei", "wei", "1"),
        ("kwei|babbage", "kwei", "1e3"),
        ("mwei|lovelace", "mwei", "1e6"),
        ("gwei|shannon", "gwei", "1e9"),
        ("microether|szabo", "", "1e12"),
        ("milliether|finney", "", "1e15"),
        ("ether|eth", "ETH", "1e18"),
    ],
}
# names; symbol; factor; offset
_TEMPERATURES: list[tuple[str, str, Fraction, str]] = [
    ("kelvin", "K", Fraction(1), "0"),
    ("degree Celsius|degrees Celsius|Celsius|centigrade", "°C C degC", Fraction(1), "273.15"),
    ("degree Fahrenheit|degrees Fahrenheit|Fahrenheit", "°F F degF", Fraction(5, 9), "459.67"),
    ("degree Rankine|degrees Rankine|Rankine", "°R degR", Fraction(5, 9), "0"),
]
# dimension; names; symbols; factor. Every SI prefix is added to each unit.
_PREFIXED: list[tuple[str, str, str, str]] = [
    ("length", "metre|meter", "m", "1"),
    ("mass", "gram|gramme", "g", "0.001"),
    ("volume", "litre|liter", "L l", "0.001"),
    ("time", "second", "s", "1"),
    ("energy", "joule", "J", "1"),
    ("energy", "watt hour|watt-hour", "Wh", "3600"),
    ("energy", "calorie|thermochemical calorie", "cal", "4.184"),
    ("energy", "electronvolt|electron volt", "eV", "1.602176634e-19"),
    ("pressure", "pascal", "Pa", "1"),
    ("power", "watt", "W", "1"),
    ("data", "bit", "bit b", "1"),
    ("data", "byte", "B", "8"),
]
_SI_PREFIXES = """
    quecto q -30, ronto r -27, yocto y -24, zepto z -21, atto a -18, femto f -15, pico p -12, nano n -9,
    micro µ -6, milli m -3, centi c -2, deci d -1, deca da 1, hecto h 2, kilo k 3, mega M 6, giga G 9,
    tera T 12, peta P 15, exa E 18, zetta Z 21, yotta Y 24, ronna R 27, quetta Q 30
"""
_BINARY_PREFIXES = "kibi Ki 10, mebi Mi 20, gibi Gi 30, tebi Ti 40, pebi Pi 50, exbi Ei 60, zebi Zi 70, yobi Yi 80"


def normal_name(text: str) -> str:
    """Return a unit's name in the form that is used to compare names."""
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split())


def _prefixes(table: str, base: int) -> Iterator[tuple[str, str, Fraction]]:
    for row in table.split(","):
        name, symbol, exponent = row.split()
        yield name, symbol, Fraction(base) ** int(exponent)


def _prefixed_units() -> Iterator[Unit]:
    for dimension, names, symbols, factor in _PREFIXED:
        prefixes = [("", "", Fraction(1)), *_prefixes(_SI_PREFIXES, 10)]
        if dimension == "data":  # a bit has no fractions
            prefixes = [prefix for prefix in prefixes if prefix[2] >= 1] + [*_prefixes(_BINARY_PREFIXES, 2)]
        for prefix, sign, scale in prefixes:
            first, *others = (prefix + name for name in names.split("|"))
            spellings = tuple(mark + symbol for symbol in symbols.split() for mark in _spellings(sign))
            yield Unit(first, dimension, Fraction(factor) * scale, spellings, tuple(others))


def _spellings(prefix: str) -> tuple[str, ...]:
    # The micro sign, the Greek letter that replaces it in newer texts, and the letter that keyboards have.
    return ("\u00b5", "\u03bc", "u") if prefix == "\u00b5" else (prefix,)


def _plain_units() -> Iterator[Unit]:
    for dimension, rows in _ROWS.items():
        for names, symbols, factor in rows:
            first, *others = names.split("|")
            exact_factor = Fraction(factor) if isinstance(factor, str) else factor
            yield Unit(first, dimension, exact_factor, tuple(symbols.split()), tuple(others))
    for names, symbols, scale, offset in _TEMPERATURES:
        first, *others = names.split("|")
        yield Unit(first, "temperature", scale, tuple(symbols.split()), tuple(others), Fraction(offset))


def _index(spellings: Iterable[tuple[str, Unit]]) -> dict[str, Unit]:
    index: dict[str, Unit] = {}
    for spelling, unit in spellings:
        if index.setdefault(spelling, unit) is not unit:
            raise ValueError(f"{spelling} means both {index[spelling].name} and {unit.name}")
    return index


UNITS: tuple[Unit, ...] = (*_plain_units(), *_prefixed_units())
BY_SYMBOL: dict[str, Unit] = _index((symbol, unit) for unit in UNITS for symbol in unit.symbols)
BY_NAME: dict[str, Unit] = _index(
    (normal_name(name) + plural, unit) for unit in UNITS for name in (unit.name, *unit.aliases) for plural in ("", "s")
)
