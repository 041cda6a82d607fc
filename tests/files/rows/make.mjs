// Writes the same three persons as exceljs and SheetJS do: `node make.mjs`, in this folder.
import ExcelJS from "exceljs";
import XLSX from "xlsx";
import fs from "node:fs";

const columns = ["national_id", "name", "first_lastname", "second_lastname", "birthdate", "nationality_id", "external_ref_id", "ignore_curp_validation"];
const day = (text) => (text ? new Date(`${text}T00:00:00Z`) : null);
const rows = [
  ["XP-001", "María José", "Muñoz", "de la O", day("1988-02-12"), 144, "00042", true],
  ["XP-002", "Ana, «Anita»", 'Peña "Güera"', "Ruiz", day("2000-02-29"), null, null, true],
  ["XP-003", "Luz", "Sol", "Mar", null, 7, "1234567890", true],
];

const book = new ExcelJS.Workbook();
const sheet = book.addWorksheet("Personas");
sheet.addRow(columns).font = { bold: true };
rows.forEach((row) => sheet.addRow(row));
// A text in two fonts, and a formula that knows its value.
sheet.getCell("B2").value = { richText: [{ text: "María " }, { font: { bold: true }, text: "José" }] };
sheet.getCell("C4").value = { formula: 'UPPER("s")&"ol"', result: "Sol" };
await book.xlsx.writeFile("exceljs.xlsx");

// Its CSV shows days as the cell's format does, so that they are written as texts.
const plain = rows.map((row) => row.map((cell) => (cell instanceof Date ? cell.toISOString().slice(0, 10) : cell)));
const table = XLSX.utils.aoa_to_sheet([columns, ...plain]);
fs.writeFileSync("sheetjs.csv", XLSX.utils.sheet_to_csv(table));
const other = XLSX.utils.book_new();
XLSX.utils.book_append_sheet(other, XLSX.utils.aoa_to_sheet([columns, ...rows], { cellDates: false, UTC: true }), "Personas");
XLSX.writeFile(other, "sheetjs.xlsx", { bookSST: true, compression: true });
XLSX.writeFile(other, "sheetjs_old.xls", { bookType: "biff8" });
