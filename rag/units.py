"""Words for multiples and units, English and Chinese: each unit as its kind and its share of that kind's base unit."""

from __future__ import annotations

MULTIPLES = {
    **dict.fromkeys(("k", "thousand", "千"), 1e3),
    **dict.fromkeys(("million", "mn", "mio", "百万"), 1e6),
    **dict.fromkeys(("billion", "bn"), 1e9),
    **dict.fromkeys(("trillion", "万亿"), 1e12),
    "万": 1e4,
    "十万": 1e5,
    "千万": 1e7,
    "亿": 1e8,
    "百亿": 1e10,
    "千亿": 1e11,
}

_KINDS: dict[str, dict[float, str]] = {
    "%": {1.0: "%|％|percent|per cent|pct", 0.1: "‰|permille"},
    "pp": {
        1.0: "percentage points|percentage point|percent points|pp|个百分点|百分点",
        0.01: "basis points|bps|个基点|基点",
    },
    "m": {
        1.0: "m|metre|metres|meter|meters|米|公尺",
        1e3: "km|kilometre|kilometres|kilometer|kilometers|公里|千米",
        1e-2: "cm|centimetre|centimetres|centimeter|centimeters|厘米|公分",
        1e-3: "mm|millimetre|millimetres|millimeter|millimeters|毫米",
        1609.344: "mile|miles|mi|英里",
        0.3048: "ft|foot|feet|英尺",
        0.0254: "inch|inches|英寸",
    },
    "g": {
        1.0: "g|gram|grams|克",
        1e3: "kg|kilogram|kilograms|kilo|kilos|公斤|千克",
        1e-3: "mg|milligram|milligrams|毫克",
        1e-6: "µg|μg|mcg|microgram|micrograms|微克",
        1e6: "tonne|tonnes|metric tons|吨",
        453.59237: "lb|lbs|pound of weight|磅",
    },
    "l": {1.0: "l|litre|litres|liter|liters|升", 1e-3: "ml|millilitre|millilitres|milliliter|milliliters|毫升"},
    "s": {
        1.0: "s|sec|second|seconds|秒|秒钟",
        60.0: "min|mins|minute|minutes|分钟",
        3600.0: "h|hr|hrs|hour|hours|小时|个小时|个钟头",
        86400.0: "day|days|calendar days|天|日",
        604800.0: "week|weeks|周|星期|个星期|礼拜",
    },
    # Months are no fixed number of days: "thirty days" and "one month" are different terms of a contract.
    "months": {1.0: "month|months|个月", 12.0: "year|years|yr|yrs|年"},
    "workdays": {1.0: "working days|working day|business days|business day|workdays|workday|个工作日|工作日"},
    "°C": {1.0: "°c|℃|degrees celsius|摄氏度"},
    "°F": {1.0: "°f|℉|degrees fahrenheit|华氏度"},
    "W": {1.0: "w|watt|watts|瓦", 1e3: "kw|kilowatt|kilowatts|千瓦", 1e6: "mw|megawatt|megawatts|兆瓦"},
    "Wh": {1.0: "wh", 1e3: "kwh|千瓦时|度电", 1e6: "mwh"},
    "B": {1.0: "byte|bytes|字节", 1e3: "kb", 1e6: "mb", 1e9: "gb", 1e12: "tb"},
    "USD": {1.0: "$|usd|us dollars|us dollar|dollars|dollar|美元|美金"},
    "EUR": {1.0: "€|eur|euros|euro|欧元"},
    "GBP": {1.0: "£|gbp|pounds|pound|英镑"},
    "CNY": {1.0: "¥|￥|cny|rmb|yuan|renminbi|元|人民币|元人民币|块|块钱"},
    "JPY": {1.0: "jpy|yen|日元"},
    "HKD": {1.0: "hkd|hong kong dollars|港元|港币"},
}  # fmt: skip

UNITS: dict[str, tuple[str, float]] = {
    word: (kind, factor)
    for kind, factors in _KINDS.items()
    for factor, words in factors.items()
    for word in words.split("|")
}
