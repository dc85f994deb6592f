/** Checking strings: typed, pasted, dropped or from a file; the odd ones first. */

import { readAsKnown } from "./as_known.js";
import { CharacterTip } from "./character_tip.js";
import { csvText, fileName, giveFile } from "./downloads.js";
import { afterPause, announce, byId, element } from "./elements.js";
import { counted, whole } from "./numbers.js";
import { decodedText, likelyColumn, readRows, widthOf } from "./reading_lists.js";
import { bitsPerCharacter, blankRow, inOrder, leftBlank, noteOf, readText, showPage } from "./score_rows.js";
import { chosenLabel, offerLabels } from "./wish_form.js";

const FILE_LIMIT = 50e6;
const LONG_TEXT = 5000;
const SHOWN_IN_FIELD = 200_000;
const DELIMITER_NAMES = { "\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars" };

export class CheckTab {
  /** @param {any} page link, examples, about */
  constructor(page) {
    this.page = page;
    this.job = 0;
    this.opening = 0;
    /** What was given last, and the name of its file, "" where it has none. */
    this.list = { text: "", name: "" };
    this.read = { rows: [], table: false, heading: false, delimiter: null };
    /** @type {any[]} */
    this.scores = [];
    this.number = 0;
    this.tip = new CharacterTip(page, () => this.label());
    this.tip.watch(byId("scores"));
    this.typed = afterPause(() => this.taken(byId("given").value, ""), 250);
    byId("given").addEventListener("input", this.typed);
    byId("given").addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text/plain");
      if (text.length < LONG_TEXT) return; // browsers themselves take a minute to paste thousands of lines
      event.preventDefault();
      const { value, selectionStart, selectionEnd } = byId("given");
      this.pasted(value.slice(0, selectionStart) + text + value.slice(selectionEnd));
    });
    byId("example").addEventListener("click", () => this.example());
    byId("file").addEventListener("change", (event) => this.opened(event.target.files[0]));
    byId("split").addEventListener("change", () => this.divided(byId("split").checked));
    for (const name of ["column", "heading"]) byId(name).addEventListener("change", () => this.score());
    byId("order").addEventListener("change", () => this.ordered());
    byId("check-csv").addEventListener("click", () => this.download());
    byId("check-stop").addEventListener("click", () => this.stopped());
    byId("page-before").addEventListener("click", () => this.turned(-1));
    byId("page-after").addEventListener("click", () => this.turned(1));
    for (const name of ["dragover", "drop"]) // beside the box, a browser would leave the page for the file
      window.addEventListener(name, (event) => event.target.closest?.("input") || event.preventDefault());
    const drop = byId("drop");
    drop.addEventListener("dragover", (event) => (event.preventDefault(), drop.classList.add("over")));
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      const file = event.dataTransfer.files[0];
      if (file) this.opened(file);
      else if (event.dataTransfer.getData("text/plain")) this.pasted(event.dataTransfer.getData("text/plain"));
    });
  }

  /** @param {any} about the model */
  learned(about) {
    offerLabels(about.labels ?? [], byId("check-labels"), () => (this.tip.forget(), this.score()));
  }

  /** @returns {object | null} */
  label() {
    return chosenLabel(byId("check-labels"));
  }

  /** @param {string} text */
  pasted(text) {
    byId("given").value = text.length <= SHOWN_IN_FIELD ? text : "";
    this.taken(text, "");
  }

  /** Strings that were made, and one of them with the least expected character put into its middle. */
  async example() {
    const [first = "", ...others] = this.page.examples().slice(0, 5);
    const characters = Array.from(first);
    const middle = Math.ceil(characters.length / 2);
    const before = characters.slice(0, middle).join("");
    const { probabilities } = await this.page.link.one({ ask: "tree", string: before, label: this.label() });
    const ranked = probabilities.filter((one) => one.character !== "end").sort((a, b) => a.probability - b.probability);
    const odd = before + ranked[0].character + characters.slice(middle).join("");
    this.pasted([first, ...others, odd].join("\n"));
    byId("given").focus();
  }

  /** @param {File | undefined} file */
  async opened(file) {
    byId("file").value = "";
    if (!file) return;
    this.typed.cancel();
    const number = ++this.opening;
    try {
      if (file.size > FILE_LIMIT)
        throw new Error(
          `${file.name} has ${whole(Math.round(file.size / 1e6))} MB; this page takes 50 MB. The command wavemore score takes files of any size.`,
        );
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (number !== this.opening) return; // another list was given meanwhile
      const text = decodedText(bytes);
      byId("given").value = text.length <= SHOWN_IN_FIELD ? text : "";
      this.taken(text, file.name);
    } catch (error) {
      const kept = byId("checked").hidden ? "" : " What stands here is still the list before.";
      this.remarked(`${error.message}${kept}`);
    }
  }

  /** @param {string} text @param {string} name of its file, "" where it was typed */
  taken(text, name) {
    this.typed.cancel();
    this.opening++;
    this.list = { text, name };
    this.divided(null);
  }

  /** Read the list as lines or as a table. @param {boolean | null} columns null for what it seems to be */
  divided(columns) {
    try {
      this.read = readRows(this.list.text, this.list.name, columns);
    } catch (error) {
      this.offerColumns("commas or the like", true); // lines it can be read as all the same
      this.trouble(error.message);
      return;
    }
    const { rows, table, heading, delimiter } = this.read;
    this.offerColumns(DELIMITER_NAMES[delimiter], table);
    byId("column-label").hidden = !table;
    byId("heading-label").hidden = !table;
    byId("given-said").classList.remove("remark");
    byId("given-said").textContent = this.listSaid();
    if (table) {
      const named = (i) => (heading && rows[0][i] ? rows[0][i] : `${i + 1}: ${rows[0][i] ?? ""}`);
      const options = Array.from({ length: widthOf(rows) }, (_, i) => element("option", { value: i }, named(i)));
      byId("column").replaceChildren(...options);
      byId("column").value = String(likelyColumn(rows.slice(heading ? 1 : 0)));
      byId("heading").checked = heading;
    }
    this.score();
  }

  /** Whether lines are cut. @param {string | undefined} at what may separate cells @param {boolean} chosen */
  offerColumns(at, chosen) {
    byId("split-label").hidden = at === undefined;
    byId("split-said").textContent = `Columns, split at ${at}`;
    byId("split").checked = chosen;
  }

  /** How much was given, where the field does not show it. @returns {string} */
  listSaid() {
    const { text, name } = this.list;
    const lines = counted(this.read.rows.length, "line");
    if (name) return `${name}: ${lines}.`;
    if (text !== "" && byId("given").value === "") return `${lines} pasted, too many to show here.`;
    return "Or drop a text file or a CSV file here. Nothing is sent anywhere.";
  }

  /** The string of each row, without the row that names columns, read as the model knows it. */
  given() {
    const { rows, table } = this.read;
    const column = table ? Number(byId("column").value) : 0;
    const below = table && byId("heading").checked ? rows.slice(1) : rows;
    return below.map((row) => readAsKnown((row[column] ?? "").normalize("NFC"), this.page.known));
  }

  score() {
    this.page.link.stop(this.job);
    const rows = this.given().map((reading, place) => ({ reading, place }));
    const places = rows.filter(({ reading }) => reading.text !== "");
    this.blank = rows.filter(({ reading }) => reading.text === "").map(({ place }) => blankRow(place));
    this.scores = [];
    this.nextShown = 0;
    byId("checked").hidden = places.length === 0 && !(this.read.table && rows.length > 0);
    if (byId("checked").hidden) return;
    this.running(true);
    this.besides = leftBlank(this.blank.length, this.read.table) + readText(places.map(({ reading }) => reading));
    this.number = 0;
    const strings = places.map(({ reading }) => reading.text);
    this.job = this.page.link.ask({ ask: "score", strings, label: this.label() }, (answer) => {
      if (answer.error !== undefined) this.trouble(answer.error);
      else this.came(answer, places);
    });
  }

  /** @param {any} answer a portion of rows @param {{reading: any, place: number}[]} places of rows that are not blank */
  came(answer, places) {
    for (const row of answer.rows ?? []) this.scores.push({ ...row, ...places[this.scores.length] });
    if (answer.done) this.scores.push(...this.blank);
    if (answer.done || this.mayShow(places.length)) this.ordered();
    byId("checked-said").textContent = answer.done
      ? `${counted(places.length, "string")}${this.besides}`
      : `${whole(this.scores.length)} of ${whole(places.length)} so far`;
    if (!answer.done) return;
    this.running(false);
    announce(`${counted(places.length, "string")} scored${this.besides}`);
  }

  /** What is downloaded is complete, or was stopped. @param {boolean} goingOn */
  running(goingOn) {
    byId("check-stop").hidden = !goingOn;
    byId("check-csv").disabled = goingOn;
  }

  /** Rows are shown at first and then now and then, but not while someone reads them. @param {number} all */
  mayShow(all) {
    const read = byId("scores").contains(document.activeElement);
    return performance.now() >= this.nextShown && !read && this.scores.length > 0 && this.scores.length < all;
  }

  ordered() {
    this.sorted = inOrder(this.scores, byId("order").value);
    this.tip.hide();
    const begun = performance.now();
    this.number = showPage(this.sorted, this.number);
    const now = performance.now();
    this.nextShown = now + Math.max(500, 5 * (now - begun)); // long strings take long to show
  }

  /** @param {number} step */
  turned(step) {
    this.number += step;
    this.ordered();
    byId("scores").scrollIntoView({ block: "start" });
    const button = byId(step < 0 ? "page-before" : "page-after");
    if (button.disabled) byId(step < 0 ? "page-after" : "page-before").focus();
    announce(byId("page-said").textContent);
  }

  stopped() {
    this.page.link.stop(this.job);
    this.running(false);
    this.ordered();
    byId("checked-said").textContent = `Stopped: ${counted(this.scores.length, "string")} scored`;
    announce(byId("checked-said").textContent);
  }

  /** @param {string} sentence */
  trouble(sentence) {
    this.page.link.stop(this.job);
    for (const id of ["checked", "column-label", "heading-label"]) byId(id).hidden = true;
    this.remarked(sentence);
  }

  /** @param {string} sentence */
  remarked(sentence) {
    byId("given-said").textContent = sentence;
    byId("given-said").classList.add("remark");
    announce(sentence);
  }

  /** The rows in the order shown, with the columns that `wavemore score` adds. */
  download() {
    const { rows, table } = this.read;
    const heading = table && byId("heading").checked;
    const width = widthOf(rows);
    const names = heading ? rows[0] : table ? Array.from({ length: width }, (_, i) => `column ${i + 1}`) : ["string"];
    const padded = (row) => Array.from({ length: width }, (_, i) => row[i] ?? "");
    const added = ["log_likelihood", "bits_per_character", "surprise", "percentile", "unknown", "note"];
    const number = (value, digits) => (Number.isFinite(value) ? Number(value.toFixed(digits)) : value);
    const lines = this.sorted.map((scored) => [
      ...padded(rows[scored.place + (heading ? 1 : 0)]),
      number(scored.logLikelihood, 6),
      number(bitsPerCharacter(scored), 6),
      number(scored.surprise, 4),
      number(scored.percentile, 4),
      scored.unknown ?? "",
      noteOf(scored),
    ]);
    giveFile(
      `${fileName(this.page.name())}-checked.csv`,
      csvText([[...padded(names), ...added], ...lines]),
      "text/csv",
    );
  }
}
