"""Units of measurement: which ones can be converted, and which words only describe what was counted."""

import re
from fractions import Fraction

# name -> (dimension, size in the dimension's first unit)
_SIZES = {
    "length": {"m": 1, "cm": "1/100", "mm": "1/1000", "dm": "1/10", "km": 1000, "in": "127/5000", "ft": "381/1250",
               "yd": "1143/1250", "mi": "201168/125", "nm": "1/1000000000"},
    "mass": {"g": 1, "kg": 1000, "mg": "1/1000", "t": 1000000, "lb": "45359237/100000", "oz": "45359237/1600000"},
    "time": {"s": 1, "min": 60, "h": 3600, "day": 86400, "week": 604800, "ms": "1/1000"},
    "volume": {"L": 1, "mL": "1/1000"},
    "money": {"dollar": 1, "cent": "1/100"},
    "yuan": {"yuan": 1, "jiao": "1/10", "fen": "1/100"},
    "euro": {"euro": 1}, "pound": {"pound": 1},
    "angle": {"deg": 1},
    "force": {"N": 1, "kN": 1000}, "energy": {"J": 1, "kJ": 1000, "MJ": 1000000},
    "power": {"W": 1, "kW": 1000, "MW": 1000000}, "pressure": {"Pa": 1, "kPa": 1000, "MPa": 1000000},
    "voltage": {"V": 1, "mV": "1/1000", "kV": 1000}, "current": {"A": 1, "mA": "1/1000"},
    "frequency": {"Hz": 1, "kHz": 1000, "MHz": 1000000}, "area": {"hectare": 1, "mu": "1/15"},
}  # fmt: skip
_NAMES = {
    "meter": "m", "metre": "m", "centimeter": "cm", "centimetre": "cm", "millimeter": "mm", "millimetre": "mm",
    "kilometer": "km", "kilometre": "km", "inch": "in", "inches": "in", "foot": "ft", "feet": "ft", "yard": "yd",
    "mile": "mi", "gram": "g", "kilogram": "kg", "kilo": "kg", "tonne": "t", "ton": "t", "pound": "lb", "lbs": "lb",
    "ounce": "oz", "second": "s", "sec": "s", "minute": "min", "mins": "min", "hour": "h", "hr": "h", "hrs": "h",
    "liter": "L", "litre": "L", "l": "L", "ml": "mL", "milliliter": "mL", "millilitre": "mL", "usd": "dollar",
    "buck": "dollar", "¢": "cent", "rmb": "yuan", "cny": "yuan", "eur": "euro", "gbp": "pound", "degree": "deg",
    "decimeter": "dm", "mph": "mi/h", "kph": "km/h", "kmph": "km/h", "米": "m", "厘米": "cm", "毫米": "mm",
    "分米": "dm", "千米": "km", "公里": "km", "克": "g",
    "千克": "kg", "公斤": "kg", "吨": "t", "秒": "s", "分钟": "min", "小时": "h", "时": "h", "天": "day", "日": "day",
    "升": "L", "毫升": "mL", "元": "yuan", "角": "jiao", "分": "fen", "美元": "dollar", "度": "deg", "周": "week",
    "平方米": "m^2", "平方厘米": "cm^2", "平方千米": "km^2", "平方分米": "dm^2", "立方米": "m^3", "立方厘米": "cm^3",
    "立方分米": "dm^3", "公顷": "hectare", "亩": "mu", "newton": "N", "joule": "J", "watt": "W", "pascal": "Pa",
    "volt": "V", "ampere": "A", "hertz": "Hz", "hz": "Hz", "ms^-1": "m/s", "ms^-2": "m/s^2", "kmh^-1": "km/h",
}  # fmt: skip
_KNOWN = {unit: (dimension, Fraction(size)) for dimension, sizes in _SIZES.items() for unit, size in sizes.items()}
_POWERS = {"square": 2, "sq": 2, "sq.": 2, "cubic": 3, "cu": 3, "cu.": 3}


def measure(unit: str) -> tuple[str, Fraction] | None:
    """A unit's dimension and size, e.g. ("length^2", 1/10000) for `cm^2` or `square centimeters`; None for a word.

    >>> measure("square centimeters"), measure("apples")
    (('length^2', Fraction(1, 10000)), None)
    """
    text = re.sub(r"\^\{?(-?\d)\}?", r"^\1", unit.strip().strip("."))
    text = text.replace(" per ", "/").replace(r"\cdot", "*")
    if text in _NAMES:
        text = _NAMES[text]
    if "/" in text:
        top, _, bottom = text.partition("/")
        above, below = measure(top), measure(bottom)
        return (f"{above[0]}/{below[0]}", above[1] / below[1]) if above and below else None
    if "^-" in text:
        return _with_negative_powers(re.split(r"[*·\s]+", text))
    power = 1
    words = text.split()
    if len(words) == 2 and words[0].lower() in _POWERS:
        power, text = _POWERS[words[0].lower()], words[1]
    elif len(words) == 2 and words[1].lower() in {"squared", "cubed"}:
        power, text = (2 if words[1].lower() == "squared" else 3), words[0]
    name, _, exponent = text.partition("^")
    if exponent.isdecimal():
        power *= int(exponent)
    name = name.strip()
    for candidate in (name, name.lower(), name.lower().removesuffix("s"), name.lower().removesuffix("es")):
        candidate = _NAMES.get(candidate, candidate)
        if "^" in candidate or "/" in candidate:
            return measure(candidate)
        if candidate in _KNOWN:
            dimension, size = _KNOWN[candidate]
            return (dimension if power == 1 else f"{dimension}^{power}"), size**power
    return None


def _with_negative_powers(factors: list[str]) -> tuple[str, Fraction] | None:
    """`m s^-2` as `m/s^2`; None for more than one unit above or below."""
    above = [factor for factor in factors if "^-" not in factor]
    below = [factor.replace("^-1", "").replace("^-", "^") for factor in factors if "^-" in factor]
    return measure(f"{above[0]}/{below[0]}") if len(above) == len(below) == 1 else None
