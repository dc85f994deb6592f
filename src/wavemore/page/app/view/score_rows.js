/** The table of scored strings, a page of rows at a time, so that thousands of rows stay quick. */

import { byId, element } from "./elements.js";
import { characterBox, stepName, surpriseLevel } from "./explained.js";
import { bitsText, inWords, percent, whole } from "./numbers.js";

export const ROWS_A_PAGE = 50;

/** @typedef {{string: string, place: number, logLikelihood: number, percentile: number | null, seen: boolean | null,
 *   surprise: number, unknown: string | null, bits: Float32Array}} Scored */

/** @param {Scored} scored @returns {number} bits a character, the end counted */
export function bitsPerCharacter(scored) {
  return -scored.logLikelihood / Math.LN2 / scored.bits.length;
}

/** @param {Scored} scored @returns {string} what is remarkable, "" for nothing */
export function noteOf(scored) {
  if (scored.unknown) return `the model does not know ${inWords(Array.from(scored.unknown, stepName))}`;
  return scored.seen ? "on the model's list" : "";
}

/** The rows in an order. @param {Scored[]} scores @param {string} order @returns {Scored[]} */
export function inOrder(scores, order) {
  const sorted = [...scores];
  const odd = (scored) => (scored.unknown ? Infinity : scored.surprise);
  if (order === "odd") sorted.sort((a, b) => compared(odd(b), odd(a)) || a.place - b.place);
  else if (order === "likely")
    sorted.sort((a, b) => compared(bitsPerCharacter(a), bitsPerCharacter(b)) || a.place - b.place);
  else sorted.sort((a, b) => a.place - b.place);
  return sorted;
}

/** @param {number} a @param {number} b */
function compared(a, b) {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** @param {Scored[]} scores in order @param {number} page from 0 */
export function showPage(scores, page) {
  const shown = scores.slice(page * ROWS_A_PAGE, (page + 1) * ROWS_A_PAGE);
  byId("scores").tBodies[0].replaceChildren(...shown.map(scoreRow));
  const pages = Math.max(1, Math.ceil(scores.length / ROWS_A_PAGE));
  byId("pages").hidden = pages === 1;
  byId("page-before").disabled = page === 0;
  byId("page-after").disabled = page === pages - 1;
  const last = Math.min(scores.length, (page + 1) * ROWS_A_PAGE);
  byId("page-said").textContent = `${whole(page * ROWS_A_PAGE + 1)} to ${whole(last)} of ${whole(scores.length)}`;
}

/** @param {Scored} scored @returns {HTMLElement} */
function scoreRow(scored) {
  const bits = bitsPerCharacter(scored);
  const better = scored.percentile === null || scored.percentile === undefined ? "" : percent(scored.percentile / 100);
  return element(
    "tr",
    { "data-string": scored.string, role: "row" },
    element("th", { scope: "row", role: "rowheader" }, colouredString(scored)),
    element(
      "td",
      { class: "number", role: "cell", "data-head": "bits a character" },
      scored.unknown ? "–" : bitsText(bits),
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
  const characters = [...Array.from(scored.string), "end"];
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
  return element("span", { class: "boxes", role: "group", "aria-label": said, dir: "auto" }, ...boxes);
}

const SURPRISES = ["expected", "possible", "surprising", "very surprising", "hardly possible"];
