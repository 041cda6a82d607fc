"""Writes the same three persons as pandas, openpyxl and XlsxWriter do: `python make.py`, in this folder."""

import datetime as dt

import openpyxl
import pandas as pd

COLUMNS = ["national_id", "name", "first_lastname", "second_lastname", "birthdate", "nationality_id", "external_ref_id", "ignore_curp_validation"]
ROWS = [
    ["XP-001", "María José", "Muñoz", "de la O", dt.date(1988, 2, 12), 144, "00042", True],
    ["XP-002", "Ana, «Anita»", "Peña \"Güera\"", "Ruiz", dt.date(2000, 2, 29), None, None, True],
    ["XP-003", "Luz", "Sol", "Mar", None, 7, "1234567890", True],
]

frame = pd.DataFrame(ROWS, columns=COLUMNS)
frame["birthdate"] = pd.to_datetime(frame["birthdate"])
frame.to_csv("pandas_index.csv")
frame.to_csv("pandas_semicolon.csv", index=False, sep=";", encoding="utf-8-sig", lineterminator="\r\n")
frame.to_csv("pandas_tab_utf16.csv", index=False, sep="\t", encoding="utf-16")
pd.read_csv("pandas_index.csv", dtype={"external_ref_id": str}).to_csv("pandas_twice.csv", index=False)
frame.to_excel("pandas_openpyxl.xlsx", engine="openpyxl")
frame.to_excel("pandas_xlsxwriter.xlsx", engine="xlsxwriter", index=False, startrow=2)


def book(change):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(COLUMNS)
    for row in ROWS:
        sheet.append(row)
    change(book, sheet)
    return book


def lists_first(book, sheet):
    """A hidden sheet before the persons and one of instructions, blank rows above and between, a column of style alone."""
    book.create_sheet("Listas", 0).append(["national_id", "MALE"])
    book["Listas"].sheet_state = "hidden"
    book.create_sheet("Instrucciones", 1).append(["Llene la hoja que sigue"])
    sheet.insert_rows(1)
    sheet.insert_rows(4)
    sheet["J3"].font = openpyxl.styles.Font(bold=True)
    sheet["G3"].value, sheet["G3"].number_format = 42, "00000"


def two_sheets(book, sheet):
    book.create_sheet("Febrero").append(COLUMNS)


def doubtful(book, sheet):
    """A hidden row, a formula without a value, an error, a number of 16 digits, a cell beyond the columns, and one person as it should be."""
    sheet.append(["XP-004", "=B2", "Paz", "Ruiz", None, None, None, True])
    sheet.append(["XP-005", "#N/A", "Paz", "Ruiz", None, None, None, True])
    sheet.append(["XP-006", "Eva", "Paz", "Ruiz", None, None, 9007199254740993, True])
    sheet.append(["XP-007", "Eva", "Paz", "Ruiz", None, None, None, True, "?"])
    sheet["B6"].data_type = "e"
    sheet.row_dimensions[3].hidden = True
    sheet.row_dimensions[100].hidden = True
    sheet.delete_rows(2)
    sheet.row_dimensions[3].hidden = False
    sheet.row_dimensions[2].hidden = True


def since_1904(book, sheet):
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904


for name, change in [("openpyxl_quirks", lists_first), ("openpyxl_two_sheets", two_sheets), ("openpyxl_doubtful", doubtful), ("openpyxl_1904", since_1904)]:
    book(change).save(f"{name}.xlsx")
