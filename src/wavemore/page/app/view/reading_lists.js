/** Lists read: plain lines, and rows of CSV. The rules are those of the Python reader, where a page can keep them. */

const BYTE_ORDER_MARK = /^\ufeff/;
const DELIMITERS = { csv: ",", tsv: "\t" };
const OTHERS = ["\t", ";", ",", "|"];
const LINES_LOOKED_AT = 200;
const USUAL_NAME =
  /^(((first|last|full|user|sur|fore)[ _-]?)?names?|first|last|id|strings?|words?|titles?|login|e?mail|city|town|country|state|street|address|date|time|year|count|number|value|label|text|key|code|url)$/i;
const SHEET = "; save or export it as CSV, and open that";
const KINDS = [
  ["PK\x03\x04", `a spreadsheet (Excel, OpenDocument) or an archive (ZIP), not text${SHEET}`],
  ["\xd0\xcf\x11\xe0", `a spreadsheet or document of Office, not text${SHEET}`],
  ["PAR1", `a table in Parquet, not text${SHEET}, or give it to the command wavemore score`],
  ["\x1f\x8b", "compressed (gzip); unpack it, and open what is inside"],
  ["%PDF", "a PDF, not text; save its list as text or CSV, and open that"],
];

/**
 * The text of a file: UTF-8, or UTF-16 where a byte order mark says so.
 * @param {Uint8Array} bytes
 * @returns {string} throws an Error with a sentence where the bytes are no text
 */
export function decodedText(bytes) {
  const kind = KINDS.find(([beginning]) => Array.from(beginning).every((byte, i) => bytes[i] === byte.charCodeAt(0)));
  if (kind) throw new Error(`This file is ${kind[1]}.`);
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes).replace(BYTE_ORDER_MARK, "");
  } catch {
    throw new Error(`This file is not text in ${encoding.toUpperCase()}; save it as UTF-8 and open it again.`);
  }
}

/** Lines end at \n and \r\n alone, as in Python's reader. @param {string} text @returns {string[]} */
export function linesOf(text) {
  const lines = text.replace(BYTE_ORDER_MARK, "").split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}

/**
 * Rows of a table whose cells may be in quotes, with quotes doubled and line breaks inside.
 * @param {string} text
 * @param {string} delimiter
 * @returns {string[][]} without blank rows
 */
export function csvRows(text, delimiter) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  const source = text.replace(BYTE_ORDER_MARK, "");
  for (let i = 0; i < source.length; i++) {
    const c = source[i];
    if (quoted) {
      if (c === '"' && source[i + 1] === '"') cell += source[i++];
      else if (c === '"') quoted = false;
      else cell += c;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === delimiter) {
      row.push(cell);
      cell = "";
    } else if (c === "\n" || (c === "\r" && source[i + 1] === "\n")) {
      if (c === "\r") i++;
      rows.push([...row, cell]);
      row = [];
      cell = "";
    } else cell += c;
  }
  if (quoted) throw new Error("A quote in this table is opened and never closed.");
  if (cell !== "" || row.length) rows.push([...row, cell]);
  return rows.filter((cells) => cells.length > 1 || cells[0] !== "");
}

/**
 * What separates the cells: told by the file's ending, or seen in its first lines, where nearly all have the same number.
 * @param {string} text
 * @param {string} name of the file, "" of pasted text
 * @returns {string | null} null of plain lines
 */
export function delimiterOf(text, name) {
  const ending = name.toLowerCase().split(".").pop();
  const lines = linesOf(text)
    .filter((line) => line !== "")
    .slice(0, LINES_LOOKED_AT);
  const alike = (delimiter) => {
    const counts = lines.map((line) => line.split(delimiter).length - 1);
    return counts[0] > 0 && counts.filter((count) => count === counts[0]).length >= 0.95 * counts.length;
  };
  const found = lines.length >= 2 ? (OTHERS.find(alike) ?? null) : null;
  return ending in DELIMITERS ? (found ?? DELIMITERS[ending]) : name === "" || ending === "txt" ? found : null;
}

/**
 * A list or a table.
 * @param {string} text
 * @param {string} [name] of the file
 * @param {boolean | null} [columns] whether it is a table; null for what it seems to be
 * @returns {{rows: string[][], table: boolean, heading: boolean, delimiter: string | null}} `heading`: whether the first
 * row seems to name columns; `delimiter`: what would separate cells, null where nothing does
 */
export function readRows(text, name = "", columns = null) {
  const delimiter = delimiterOf(text, name);
  const lines = { rows: linesOf(text).map((line) => [line]), table: false, heading: false, delimiter };
  if (delimiter === null || !(columns ?? seemsTable(text, name, delimiter))) return lines;
  const rows = csvRows(text, delimiter);
  if (rows.length === 0) return { rows, table: false, heading: false, delimiter: null };
  return { rows, table: true, heading: looksLikeHeading(rows), delimiter };
}

/**
 * Whether lines that can be cut into cells are a table. Strings may have a comma each, as in "Smith, John": so text that
 * is no file for tables must have tabs, as what is copied from a sheet, or a first row that looks like names of columns.
 */
function seemsTable(text, name, delimiter) {
  if (delimiter === "\t" || name.toLowerCase().split(".").pop() in DELIMITERS) return true;
  return looksLikeHeading(linesOf(text).slice(0, LINES_LOOKED_AT).map((line) => line.split(delimiter)));
}

/** @param {string} cell */
function isNumber(cell) {
  return cell.trim() !== "" && !Number.isNaN(Number(cell));
}

/**
 * Whether the first row names columns: numbers stand below a cell that is none, or it has a usual name, which does not
 * come again below.
 * @param {string[][]} rows
 */
function looksLikeHeading(rows) {
  const first = rows[0];
  const below = rows.slice(1, LINES_LOOKED_AT);
  if (below.length === 0 || first.some((cell) => cell.trim() === "" || isNumber(cell))) return false;
  return first.some((cell, i) => {
    const cells = below.map((row) => row[i]).filter(Boolean);
    if (cells.length && cells.filter(isNumber).length >= 0.95 * cells.length) return true;
    return USUAL_NAME.test(cell.trim()) && !cells.includes(cell);
  });
}

/** How many columns there are; a list may be longer than a call may have arguments. @param {string[][]} rows */
export function widthOf(rows) {
  return rows.reduce((most, row) => Math.max(most, row.length), 1);
}

/** The column most likely meant: the one with most distinct text. @param {string[][]} rows @returns {number} from 0 */
export function likelyColumn(rows) {
  const looked = rows.slice(0, LINES_LOOKED_AT);
  const worth = Array.from({ length: widthOf(rows) }, (_, i) => {
    const texts = looked.map((row) => row[i] ?? "").filter((cell) => cell !== "" && Number.isNaN(Number(cell)));
    return new Set(texts).size;
  });
  return worth.indexOf(Math.max(...worth));
}
