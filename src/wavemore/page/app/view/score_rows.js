/** The table of scored strings, a page of rows at a time, so that thousands of rows stay quick. */

import { byId, element } from "./elements.js";
import { characterBox, stepName, surpriseLevel } from "./explained.js";
import { bitsText, counted, inWords, percent, whole } from "./numbers.js";

const ROWS_A_PAGE = 50;
const BOXES_A_PAGE = 2000; // of characters: browsers take a minute to lay out fifty thousand
const BOXES_A_STRING = 1000;

/** @typedef {{string: string, place: number, logLikelihood: number, percentile: number | null, seen: boolean | null,
 *   surprise: number, unknown: string | null, bits: Float32Array, blank?: boolean,
 *   reading?: {given: string, text: string, folded: string[], trimmed: boolean}}} Scored */

/** @param {Scored} scored @returns {number} bits a character, the end counted */
export function bitsPerCharacter(scored) {
  return -scored.logLikelihood / Math.LN2 / scored.bits.length;
}

/** @param {Scored} scored @returns {string} what is remarkable, "" for nothing */
export function noteOf(scored) {
  if (scored.blank) return "blank, so without a score";
  const { given, text } = scored.reading ?? {};
  const notes = given === text ? [] : [`“${given}” is read as “${text}”`];
  if (scored.unknown) notes.push(`the model does not know ${inWords(Array.from(scored.unknown, stepName))}`);
  else if (scored.seen) notes.push("on the model's list");
  return notes.join("; ");
}

/** The row of a string that is blank: it stays in its place, without a score. @param {number} place @returns {Scored} */
export function blankRow(place) {
  const none = { logLikelihood: NaN, percentile: null, seen: null, surprise: NaN, unknown: null };
  return { string: "", place, ...none, bits: new Float32Array(0), blank: true };
}

/** @param {number} blank how many @param {boolean} table @returns {string} what follows the number of strings */
export function leftBlank(blank, table) {
  return blank ? `; ${counted(blank, table ? "row that is" : "line that is", `${table ? "rows" : "lines"} that are`)} blank` : "";
}

/** @param {{folded: string[], trimmed: boolean}[]} readings @returns {string} how many were read in another way than they stand there */
export function readText(readings) {
  const folded = readings.filter((reading) => reading.folded.length).length;
  const trimmed = readings.filter((reading) => reading.trimmed).length;
  const texts = [];
  if (folded) texts.push(`; ${whole(folded)} read in the case that the model knows`);
  if (trimmed) texts.push(`; ${whole(trimmed)} read without blanks at the ends`);
  return texts.join("");
}

/** The rows in an order. @param {Scored[]} scores @param {string} order @returns {Scored[]} */
export function inOrder(scores, order) {
  const sorted = [...scores];
  const odd = (scored) => (scored.unknown ? Infinity : scored.blank ? -1 : scored.surprise);
  const likely = (scored) => (scored.blank ? Infinity : bitsPerCharacter(scored));
  if (order === "odd") sorted.sort((a, b) => compared(odd(b), odd(a)) || a.place - b.place);
  else if (order === "likely")
    sorted.sort((a, b) => compared(likely(a), likely(b)) || a.place - b.place);
  else sorted.sort((a, b) => a.place - b.place);
  return sorted;
}

/** @param {number} a @param {number} b */
function compared(a, b) {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** The first row of each page, and behind them the number of rows. @param {Scored[]} scores in order @returns {number[]} */
export function pageStarts(scores) {
  const starts = [0];
  let boxes = 0;
  scores.forEach((scored, row) => {
    const more = Math.min(scored.bits.length, BOXES_A_STRING);
    const start = starts[starts.length - 1];
    if (row - start === ROWS_A_PAGE || (row > start && boxes + more > BOXES_A_PAGE)) {
      starts.push(row);
      boxes = 0;
    }
    boxes += more;
  });
  return [...starts, scores.length];
}

/** @param {Scored[]} scores in order @param {number} number of the page, from 0; the last one where there are fewer @returns {number} */
export function showPage(scores, number) {
  const starts = pageStarts(scores);
  const pages = starts.length - 1;
  const page = Math.min(number, pages - 1);
  const [first, last] = [starts[page], starts[page + 1]];
  byId("scores").tBodies[0].replaceChildren(...scores.slice(first, last).map(scoreRow));
  byId("pages").hidden = pages === 1;
  byId("page-before").disabled = page === 0;
  byId("page-after").disabled = page === pages - 1;
  byId("page-said").textContent = `${whole(first + 1)} to ${whole(last)} of ${whole(scores.length)}`;
  return page;
}

/** @param {Scored} scored @returns {HTMLElement} */
function scoreRow(scored) {
  const bits = bitsPerCharacter(scored);
  const better = scored.percentile === null || scored.percentile === undefined ? "" : percent(scored.percentile / 100);
  return element(
    "tr",
    { "data-string": scored.string, role: "row" },
    element("th", { scope: "row", role: "rowheader" }, scored.blank ? BLANK : colouredString(scored)),
    element(
      "td",
      { class: "number", role: "cell", "data-head": "bits a character" },
      scored.unknown ? "–" : scored.blank ? "" : bitsText(bits),
    ),
    element(
      "td",
      { class: "number", role: "cell", "data-head": "fits better than" },
      scored.unknown ? percent(0) : better,
    ),
    element("td", { role: "cell" }, noteOf(scored)),
  );
}

/** A string as boxes of characters, one of which can be reached by the tab key. @param {Scored} scored */
function colouredString(scored) {
  const every = [...Array.from(scored.string), "end"];
  const characters = every.slice(0, BOXES_A_STRING);
  const left = every.length - characters.length;
  const boxes = characters.map((character, i) => {
    const bits = scored.bits[i] ?? Infinity;
    const box = characterBox(character, bits, "button");
    box.type = "button";
    box.tabIndex = i === 0 ? 0 : -1;
    box.dataset.place = String(i);
    box.setAttribute(
      "aria-label",
      `${stepName(character)}, ${Number.isNaN(bits) ? "not scored" : SURPRISES[surpriseLevel(bits)]}`,
    );
    return box;
  });
  const said = scored.string === "" ? "the empty string" : scored.string;
  return element("span", { class: "boxes", role: "group", "aria-label": said, dir: "auto" }, ...boxes, left ? ` … ${whole(left)} more` : null);
}

const BLANK = "\u00a0"; // the note says it
const SURPRISES = ["expected", "possible", "surprising", "very surprising", "hardly possible"];
