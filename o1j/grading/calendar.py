"""Days and times as people write them, in one form: `Wed` and 星期三, `4 July` and 7月4日, 下午3时 and 3 p.m."""

import re

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
_WEEKDAY = {day.casefold(): day for day in _DAYS} | {day[:3].casefold(): day for day in _DAYS}
_WEEKDAY |= {
    f"{week}{sign}": day for week in ("星期", "周", "礼拜") for sign, day in zip("一二三四五六日", _DAYS, strict=True)
}
_WEEKDAY |= {f"{week}天": "Sunday" for week in ("星期", "礼拜")}
_MONTH = "|".join(f"{month}|{month[:3]}" for month in _MONTHS)
_MONTH_FIRST = re.compile(rf"({_MONTH})\.?\s+(\d{{1,2}})(?:\s*(?:st|nd|rd|th))?(?:,?\s+(\d{{4}}))?", re.IGNORECASE)
_DAY_FIRST = re.compile(
    rf"(?:the\s+)?(\d{{1,2}})(?:\s*(?:st|nd|rd|th))?\s+(?:of\s+)?({_MONTH})\.?(?:,?\s+(\d{{4}}))?", re.IGNORECASE
)
_CHINESE_DATE = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]")
_CHINESE_TIME = re.compile(r"(上午|早上|早晨|凌晨|中午|下午|傍晚|晚上)?(\d{1,2})[时点](?:(\d{1,2})分钟?)?")
_AFTERNOON = {"下午", "傍晚", "晚上"}


def readings(text: str) -> list[str]:
    """A day or a time in its one form, in a list that is empty for anything else.

    >>> readings("wed"), readings("4th of July"), readings("下午3时"), readings("12")
    (['Wednesday'], ['July 4'], ['15:00'], [])
    """
    day = _WEEKDAY.get(text.casefold())
    if day:
        return [day]
    match = _MONTH_FIRST.fullmatch(text)
    if match:
        return [_date(match[1], match[2], match[3])]
    match = _DAY_FIRST.fullmatch(text)
    if match:
        return [_date(match[2], match[1], match[3])]
    if text.isascii():
        return []
    match = _CHINESE_DATE.fullmatch(text)
    if match and 1 <= int(match[2]) <= 12:
        return [_date(_MONTHS[int(match[2]) - 1], match[3], match[1])]
    match = _CHINESE_TIME.fullmatch(text)
    if match:
        hour = int(match[2]) + (12 if match[1] in _AFTERNOON and int(match[2]) < 12 else 0)
        return [f"{hour}:{match[3] or '00':0>2}"]
    return []


def _date(month: str, day: str, year: str | None) -> str:
    name = next(full for full in _MONTHS if full[:3].casefold() == month[:3].casefold())
    return f"{name} {int(day)}" + (f" {year}" if year else "")
