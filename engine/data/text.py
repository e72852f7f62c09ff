"""The bytes of a text table, as clean UTF-8: encoding found, line ends made equal, binary files told."""

from __future__ import annotations

import codecs
import re

import numpy as np

from engine.errors import RelumeError

MAX_BYTES = 512 * 1024 * 1024
_SAMPLE = 65536
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (
    (b"PK\x03\x04", "a spreadsheet or archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "a database"),
)
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\f") + b"\x7f"
#: Encodings of Latin letters that a short text cannot tell apart; cp1252 is by far the most common of them.
_WESTERN = ("cp125", "iso8859", "latin", "mac_", "cp437", "cp85", "cp86", "hp_roman", "cp775", "cp500", "cp1140")

#: Guesses that are hardly ever true: cp1251 and cp1253 have the same letters at nearly the same places.
_COMMON = {"mac_cyrillic": "cp1251", "mac_greek": "cp1253"}
#: What a Western text holds beside ASCII, in cp1252; in a word such letters stand among ASCII ones.
_LETTERS = b"\x8a\x8c\x8e\x9a\x9c\x9e\x9f" + bytes(code for code in range(0xC0, 0x100) if code not in (0xD7, 0xF7))
_SIGNS = "€£§©®°±²³µ·¹º»«¼½¾¿¡ª´×÷‰„“”‘’–—…•™\xa0".encode("cp1252")
_WORD = re.compile(b"[A-Za-z\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xd6\xd8-\xf6\xf8-\xff]+")
#: What no Western text has: quotation marks within a word or closing before one, and before a letter the signs that
#: are Polish and Czech letters in cp1250.
_ODD = re.compile(rb"[^\W\d_][\x84\x93\x94][^\W\d_]|(?:^|[\s,;|])[\x92\x94]|[\xb3\xb9\xec][A-Za-z]", re.MULTILINE)


def clean_text(data: bytes, where: str, encoding: str | None = None) -> tuple[bytes, str]:
    """(UTF-8 bytes with \\n line ends, the encoding found). Raises RelumeError for what is not text."""
    if len(data) > MAX_BYTES:
        raise RelumeError("The file is larger than 512 MiB.", where, "Take a part of it.")
    if not data.strip():
        raise RelumeError("The file is empty.", where, "Choose a file with a header and rows.")
    for start, kind in _OTHERS:
        if data.startswith(start):
            raise RelumeError(f"This is {kind}, not a text table.", where, "Export it as CSV first.")
    encoding = encoding or find_encoding(data, where)
    try:
        # A known encoding still fails on damaged bytes, and the user's own choice may not exist.
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RelumeError(
            f"These bytes are not {encoding}.", f"{where}, line {line}", "Choose another encoding."
        ) from None
    except (LookupError, ValueError):
        raise RelumeError(f"There is no encoding {encoding!r}.", where, "Try utf-8 or cp1252.") from None
    clean = text.removeprefix("\ufeff").encode("utf-8", "replace").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if len(clean.translate(None, _CONTROLS)) != len(clean):
        position = next(i for i, byte in enumerate(clean) if byte in _CONTROLS)
        line = clean.count(b"\n", 0, position) + 1
        raise RelumeError("This is not a text table: it holds control characters.", f"{where}, line {line}")
    return clean, encoding


def find_encoding(data: bytes, where: str) -> str:
    """The name of the encoding: by its mark, as valid UTF-8, by where the zeros are, or by letter statistics."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    sample = data[:_SAMPLE]
    if b"\0" in sample:
        return _wide_encoding(sample, where)
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        # The sample for the statistics must hold the letters that are not ASCII.
        start = max(0, error.start - _SAMPLE // 2)
    if _is_western(data, data[start : start + _SAMPLE]):
        return "cp1252"
    from charset_normalizer import from_bytes

    matches = from_bytes(data[start : start + _SAMPLE])
    best = matches.best()
    if best is None:
        raise RelumeError("The file's encoding cannot be found.", where, "Save it as UTF-8, or choose its encoding.")
    if best.encoding in _COMMON:
        return _COMMON[best.encoding]
    return "cp1252" if best.encoding.startswith(_WESTERN) and "cp1252" in best.could_be_from_charset else best.encoding


def _is_western(data: bytes, sample: bytes) -> bool:
    """Whether this is cp1252 beyond doubt: a table has too few letters for statistics. Other scripts come in runs."""
    high = len(sample.translate(None, bytes(range(128))))
    if high >= 0.2 * len(sample) or data.translate(None, bytes(range(128)) + _LETTERS + _SIGNS):
        return False
    words = [word for word in _WORD.findall(sample) if not word.isascii()]
    letters = len(b"".join(words).translate(None, bytes(range(128))))
    return 2 * letters <= sum(map(len, words)) and not _ODD.search(sample)


def _wide_encoding(sample: bytes, where: str) -> str:
    zeros = np.frombuffer(sample[: len(sample) // 2 * 2], dtype=np.uint8).reshape(-1, 2) == 0
    high_first, low_first = zeros.mean(axis=0)
    if max(high_first, low_first) < 0.3 or min(high_first, low_first) > 0.1:
        raise RelumeError("This is a binary file, not a text table.", where, "Choose a CSV or TSV file.")
    return "utf-16-be" if high_first > low_first else "utf-16-le"
