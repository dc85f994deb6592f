/** The strings that were kept: they stay in the browser, where it lets them. */

import { announce, byId } from "./elements.js";
import { csvText, fileName, giveFile } from "./downloads.js";
import { madeRow } from "./made_rows.js";
import { counted } from "./numbers.js";

const ROWS_KEPT = 200;

export class KeptStrings {
  /**
   * @param {any} page link and label, for explanations
   * @param {any} about the model
   */
  constructor(page, about) {
    this.page = { ...page, keeping: this, kept: true };
    this.name = about.list ?? "strings";
    this.place = `wavemore kept ${this.name} ${about.parameters ?? ""}`;
    /** @type {Map<string, number>} */
    this.strings = new Map();
    this.read();
    this.write();
    byId("kept-text").addEventListener("click", () => this.asText());
    byId("kept-csv").addEventListener("click", () => this.asCsv());
    byId("kept-none").addEventListener("click", () => this.removeAll());
    this.show();
  }

  /** What the browser holds, which another window may have changed. */
  read() {
    try {
      const known = JSON.parse(localStorage.getItem(this.place) ?? "[]");
      if (!Array.isArray(known) || !known.every(Array.isArray)) return; // not of this page
      this.strings = new Map(known.map(([string, logLikelihood]) => [String(string), Number(logLikelihood)]));
    } catch {
      // a browser that stores nothing, or a text that is not of this page: what is kept here stays
    }
  }

  /** Store what is kept; `stays` is whether the browser does. */
  write() {
    try {
      localStorage.setItem(this.place, JSON.stringify([...this.strings]));
      this.stays = true;
    } catch {
      this.stays = false;
    }
  }

  /** @param {string} string */
  has(string) {
    return this.strings.has(string);
  }

  /** Keep a string, or no longer. @param {string} string @param {number} logLikelihood @returns {boolean} whether kept */
  toggle(string, logLikelihood) {
    const kept = !this.has(string);
    if (this.stays) this.read();
    if (kept) this.strings.set(string, logLikelihood);
    else this.strings.delete(string);
    this.changed(`${string} ${kept ? "kept" : "removed"}, ${this.strings.size} in all`);
    if (!kept && !document.activeElement?.closest("[data-string]")) byId("make").focus();
    return kept;
  }

  /** @param {{string: string, logLikelihood: number}[]} made */
  keepAll(made) {
    if (this.stays) this.read();
    for (const { string, logLikelihood } of made) this.strings.set(string, logLikelihood);
    this.changed(`${counted(this.strings.size, "string")} kept`);
  }

  removeAll() {
    this.strings.clear();
    this.changed("All kept strings removed");
    byId("make").focus();
  }

  /** @param {string} sentence for screen readers */
  changed(sentence) {
    this.write();
    this.show();
    announce(sentence);
  }

  show() {
    const known = new Map([...byId("kept").children].map((row) => [row.dataset.string, row]));
    const shown = [...this.strings].slice(0, ROWS_KEPT);
    const rows = shown.map(
      ([string, logLikelihood]) => known.get(string) ?? madeRow({ string, logLikelihood }, this.page),
    );
    byId("kept").replaceChildren(...rows);
    byId("kept-actions").hidden = rows.length === 0;
    const none = "Nothing yet. Press the star beside a string to keep it.";
    const first = this.strings.size > ROWS_KEPT ? `, the first ${ROWS_KEPT} shown` : "";
    const where = this.stays
      ? "They stay in this browser."
      : "They are lost when the page is closed: this browser does not let the page store them, or has no room left.";
    byId("kept-said").textContent =
      rows.length === 0 ? none : `${counted(this.strings.size, "string")}${first}. ${where}`;
    for (const row of byId("made").children) {
      row.querySelector(".act.keep").setAttribute("aria-pressed", String(this.has(row.dataset.string)));
    }
  }

  asText() {
    giveFile(
      `${fileName(this.name)}.txt`,
      [...this.strings.keys()].map((string) => `${string}\n`).join(""),
      "text/plain",
    );
  }

  asCsv() {
    const rows = [...this.strings].map(([string, logLikelihood]) => [string, Number(logLikelihood.toFixed(6))]);
    giveFile(`${fileName(this.name)}.csv`, csvText([["string", "log_likelihood"], ...rows]), "text/csv");
  }
}
