/** Files that the page gives: text and CSV. */

import { element } from "./elements.js";

/**
 * One cell of CSV: in quotes where it has a comma, a quote or a line break, and where a spreadsheet may take another
 * character for the end of a cell. Spreadsheets run a cell that begins with =, +, -, @ (of full width, too) or white space
 * that they drop as a formula, in quotes too; such text gets an apostrophe in front. Numbers are left alone.
 * @param {string | number | null} value
 */
export function csvCell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : value > 0 ? "inf" : "-inf";
  const harmless = /^[=+\-@＝＋－＠\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",;\t\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** @param {(string | number | null)[][]} rows the first one the header @returns {string} */
export function csvText(rows) {
  return rows.map((row) => row.map(csvCell).join(",") + "\r\n").join("");
}

/** @param {string} name of the file @param {string} text @param {string} type */
export function giveFile(name, text, type) {
  const mark = type === "text/csv" ? "\ufeff" : ""; // by which spreadsheets know UTF-8
  const address = URL.createObjectURL(new Blob([mark, text], { type: `${type};charset=utf-8` }));
  const link = element("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** @param {string} text @returns {string} safe as part of a file's name */
export function fileName(text) {
  return (
    text
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 40) || "strings"
  );
}
