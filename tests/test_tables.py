"""Own tables: what is found in them, and what is told when something is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from engine import datasets
from engine.errors import RelumeError

GERMAN = "name;größe;wert\nMüller;1,5;3\nÄrger;2,25;4\nÖl;3,5;5\nÜben;4,75;6\nSoße;1,0;7\n"
ROWS = "".join(f"{i},{i * 0.5},{'red' if i % 2 else 'blue'}\n" for i in range(20))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_encodings(encoding):
    table = datasets.open_table(GERMAN.encode(encoding))
    assert [column.name for column in table.columns] == ["name", "größe", "wert"]
    assert table.delimiter == ";" and table.decimal == "," and table.header
    assert table.numbers("größe").tolist() == [1.5, 2.25, 3.5, 4.75, 1.0]
    assert table.texts("name")[4] == "Soße"


def test_shift_jis():
    text = "名前,値\n東京,1\n大阪,2\n京都,3\n名古屋,4\n札幌,5\n"
    assert datasets.open_table(text.encode("shift_jis")).texts("名前")[0] == "東京"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
@pytest.mark.parametrize("names", ["Größe;Gewicht;Preis", "Öl;Länge;°C", "température;été;m²", "año;niño;º"])
def test_few_western_letters_among_numbers(names, encoding):
    rows = "".join(f"1,{k % 90 + 10};9{k % 10},{k % 7};3{k % 10}0,9\n" for k in range(60))
    table = datasets.open_table(f"{names}\n{rows}".encode(encoding))
    assert [column.name for column in table.columns] == names.split(";")
    assert [column.kind for column in table.columns] == ["number"] * 3


@pytest.mark.parametrize(
    ("encoding", "line", "rows"),
    [
        ("cp932", "名前,住所,年齢,職業", "田中さくら,東京都新宿区,3{k},会社員\n"),
        ("cp1251", "Город,Погода,Температура", "Санкт-Петербург,пасмурно и дождь,1{k}\n"),
        ("cp1250", "město;počet;cena", "1,{k};8{k},2;3{k}0,9\n"),
        ("cp1253", "ύψος;βάρος;τιμή", "Αθήνα και Πειραιάς;8{k},2;34{k}\n"),
    ],
)
def test_other_scripts_stay_what_they_are(encoding, line, rows):
    text = f"{line}\n" + "".join(rows.format(k=k % 10) for k in range(30))
    cells = text.splitlines()[0].replace(";", ",").split(",")
    assert [column.name for column in datasets.open_table(text.encode(encoding)).columns] == cells


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(delimiter, end):
    text = ("a,b,c\n" + ROWS).replace(",", delimiter).replace("\n", end)
    table = datasets.open_table(text.encode())
    assert table.delimiter == delimiter and table.rows == 20
    assert [column.kind for column in table.columns] == ["number", "number", "category"]


def test_header_is_found_and_can_be_chosen():
    assert not datasets.open_table(ROWS.encode()).header
    assert datasets.open_table(("a,b,c\n" + ROWS).encode()).header
    assert datasets.open_table(ROWS.encode(), header=True).rows == 19


def test_quotes():
    text = 'text,n\n"x\ny",1\n"p,q",2\n"r""s",3\nplain,4\n'
    table = datasets.open_table(text.encode())
    assert table.texts("text") == ["x\ny", "p,q", 'r"s', "plain"]
    assert datasets.open_table(b'a, "b"\n1, "2"\n3, "4"\n').numbers("b").tolist() == [2, 4]
    assert datasets.open_table(b'rain,n\n5" a,1\n6" b,2\n').texts("rain") == ['5" a', '6" b']


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.5", "-2e3", "+.5", "−3"], [1.5, -2000, 0.5, -3]),
        (['"1,234"', '"12,345.5"', "5"], [1234, 12345.5, 5]),
        (['"1,5"', '"2,25"', '"1.000,5"'], [1.5, 2.25, 1000.5]),
        (["1", "NaN", "n/a", "?", "", "2"], [1, np.nan, np.nan, np.nan, np.nan, 2]),
    ],
)
def test_numbers(cells, values):
    table = datasets.open_table(("a,b\n" + "".join(f"{cell},x\n" for cell in cells)).encode(), header=True)
    assert np.array_equal(table.numbers("a"), values, equal_nan=True)


def test_blank_lines_and_empty_columns_are_left_out():
    table = datasets.open_table(b"\na,b,\n\n1,2,\n3,4,\n\n5,6,\n\n\n")
    assert table.rows == 3 and [column.name for column in table.columns] == ["a", "b"]
    assert table.lines.tolist() == [4, 5, 7]


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        (b"", "", "empty"),
        (b"  \n \n", "", "empty"),
        (b"a,b\n1,2\n3,4,5\n6,7\n", "line 3", "3 cells"),
        (b"a,b\n1,2\n\n3\n6,7\n", "line 4", "1 cell,"),
        (b'a,b\n"x\ny",2\n3\n4,5\n', "line 4", "1 cell,"),
        (b'a,b\n1,"x\n2,y\n', "line 2", "never closed"),
        (b'a,b\n"x"y,2\n"p",y\n', "line 2", "quote"),
        (b"a,a\n1,2\n3,4\n", "line 1, columns 1 and 2", "'a'"),
        (b"\x00\x01\x02\xff" * 100, "", "not a text table"),
        (b"PK\x03\x04abc", "", "spreadsheet"),
        (b"a,b\n1,\x072\n", "line 2", "control"),
        (b"a,b\n", "", "left"),
        (b"a,b\n,\n,\n", "", ""),
    ],
)
def test_bad_files_are_told_with_their_place(data, where, what):
    with pytest.raises(RelumeError) as caught:
        datasets.read_table(data)
    assert where in caught.value.where and what in str(caught.value) and caught.value.fix + caught.value.what


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a,b\n" + "1,2\n" * 20 + "oops,3\n", "line 22, column 'a'"),
        ("a,b\n" + "1,2\n" * 20 + "\n\ninf,3\n", "line 24, column 'a'"),
        ("a,b\n" + '"1\n.5",2\n' + "1,2\n" * 20 + "2,-inf\n", "line 24, column 'b'"),
    ],
)
def test_a_cell_that_is_no_number_is_told(text, place):
    with pytest.raises(RelumeError) as caught:
        datasets.read_table(text.encode(), target="b", task="regression")
    assert place in caught.value.where or "line 2, column 'a'" in caught.value.where


@pytest.mark.parametrize(
    ("text", "options", "what"),
    [
        ("a\n1\n2\n3\n4\n5\n", {}, "input"),
        ("a,b\n1,2\n3,4\n", {}, "rows"),
        ("a,b\n1,2\n3,4\n5,6\n7,8\n", {"target": "c"}, "'c'"),
        ("a,b\n1,2\n3,4\n5,6\n7,8\n", {"target": "b", "inputs": ["b"]}, "input"),
        ("a,b\n1,x\n3,x\n5,x\n7,x\n", {"target": "b"}, "one class"),
        ("a,b\n1,x\n3,y\n5,x\n7,z\n", {"target": "b", "task": "binary"}, "different values"),
        ("a,b\n1,x\n3,y\n5,x\n7,z\n", {"target": "b", "task": "regression"}, "texts"),
        ("a,b\n1,x\n3,y\n5,x\n7,z\n", {"delimiter": "1"}, "delimiter"),
        ("a,b\n1,x\n3,y\n5,x\n7,z\n", {"encoding": "no-such"}, "encoding"),
        ("a,b,c\n1,2,\n3,4,\n5,6,1\n7,8,\n", {"target": "b"}, "left"),
        ("a,b\n1,2\n3,4\n5,6\n7,8\n", {"missing": "guess"}, "missing"),
    ],
)
def test_choices_that_cannot_be_are_told(text, options, what):
    with pytest.raises(RelumeError) as caught:
        datasets.read_table(text.encode(), **options)
    assert what.lower() in str(caught.value).lower()


def test_a_file_that_is_not_there():
    with pytest.raises(RelumeError, match="nothing-here.csv"):
        datasets.read_table("nothing-here.csv")


def test_categories_become_one_input_per_value():
    data = datasets.read_table(("n,half,color\n" + ROWS).encode(), target="half", task="regression")
    assert data.feature_names == ("n", "color=blue", "color=red")
    assert (data.x_train[:, 1] + data.x_train[:, 2] == 1).all()


def test_task_is_guessed_and_chosen():
    text = ("n,half,color\n" + ROWS).encode()
    assert datasets.read_table(text).task == "binary" and datasets.read_table(text).class_names == ("blue", "red")
    assert datasets.read_table(text, target="half").task == "regression"
    both = datasets.read_table(text, target=["n", "half"])
    assert both.task == "regression" and both.y_train.shape == (15, 2) and both.target_names == ("n", "half")
    wide = "x,k\n" + "".join(f"{i * 0.1:.1f},{i % 3}\n" for i in range(60))
    assert datasets.read_table(wide.encode()).class_names == ("0", "1", "2")


def test_missing_values_by_choice():
    text = b"a,b,y\n1,10,1.5\n,20,2.5\n3,,3.5\n4,40,4.5\n5,50,5.5\n6,60,\n7,70,7.5\n"
    dropped = datasets.read_table(text, target="y")
    assert len(dropped.x_train) + len(dropped.x_test) == 4 and "3 of 7 rows dropped" in " ".join(dropped.notes)
    filled = datasets.read_table(text, target="y", missing="mean")
    assert len(filled.x_train) + len(filled.x_test) == 6
    holes = datasets.open_table(text).columns
    assert [column.missing for column in holes] == [1, 1, 1]


def test_filling_uses_the_training_part_only():
    text = "a,y\n" + "".join(f"{i},{i}.5\n" for i in range(30)) + ",7.5\n"
    data = datasets.read_table(text.encode(), target="y", missing="mean", seed=1)
    known = data.raw_train[data.y_train[:, 0] != 7.5]
    raw = np.concatenate([data.raw_train, data.raw_test])
    y = np.concatenate([data.y_train, data.y_test])
    filled = raw[(y[:, 0] == 7.5) & (raw[:, 0] != 7)]
    means = (known.mean(), data.raw_train.mean())
    assert len(filled) == 1 and min(abs(filled[0, 0] - mean) for mean in means) < 0.5


def test_a_project_carries_the_whole_table():
    table = datasets.open_table(GERMAN.encode("cp1252"), name="größen.csv")
    spec = datasets.DataSpec(datasets.OWN_TABLE, table=table, target=("wert",), inputs=("größe",), scaling="standard")
    again = datasets.DataSpec.from_dict(spec.to_dict())
    one, other = datasets.load_spec(spec), datasets.load_spec(again)
    assert again.table.name == "größen.csv" and (one.x_train == other.x_train).all() and one.title == "größen.csv"
    with pytest.raises(RelumeError):
        datasets.DataSpec.from_dict({"name": "table", "table": {"data": "not base64!", "name": "x"}})
    with pytest.raises(RelumeError):
        datasets.DataSpec("table")


def test_long_and_wide_tables():
    long_field = "a,b\n" + "y" * 200_000 + ",1\n" + "z,2\n" * 4
    assert datasets.open_table(long_field.encode()).columns[0].kind == "text"
    wide = ",".join(f"c{i}" for i in range(2000)) + "\n" + (",".join(["1.5"] * 2000) + "\n") * 6
    assert datasets.read_table(wide.encode()).x_train.shape == (4, 1999)
    one_column = datasets.open_table(('"' + "x" * 50 + '"\n').encode() * 30_000)
    assert one_column.rows + one_column.header == 30_000 and len(one_column.columns) == 1


def test_damaged_files_raise_nothing_else():
    good = ("a,b,c\n" + ROWS).encode()
    dice = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(good)
        for position in dice.integers(0, len(good), int(dice.integers(1, 6))):
            damaged[position] = dice.integers(0, 256)
        if dice.random() < 0.3:
            damaged = damaged[: dice.integers(0, len(good))]
        try:
            datasets.read_table(bytes(damaged))
        except RelumeError as error:
            assert error.what
