// What is told of strings when the last one is there: why there are not more, and what is to be known of rare ones.

import { grouped } from "./texts.js";

const RARE = 0.01; // a share of the model's strings below which it is told
const VERY_RARE = 1e-4; // one below which it is told as one in so many
const CERTAIN = 0.1; // a standard error, as a share of what it is of, with which two digits are told
const LEAST_CLIPPED = 1e-7; // a share of all probability below which no digits are told

/**
 * A share in words, as Python's cli/sample.py says it.
 * @param {number} share
 * @param {number} error its standard error
 */
function shareText(share, error) {
  const digits = error < CERTAIN * share ? 2 : 1;
  if (share < VERY_RARE) return `1 in ${grouped(Number((1 / share).toPrecision(digits)))}`;
  return `${Number((100 * share).toPrecision(digits))} %`;
}

/**
 * How far strings that a guide led to are from the model's own, as Python's cli/sample.py says it.
 * @param {number} clipped a share of all probability
 * @param {number} exact how many strings came before those of the guide
 * @param {number} guided how many the guide led to
 */
function clippedText(clipped, exact, guided) {
  const percents = clipped < LEAST_CLIPPED ? "less than 0.00001" : Number((100 * clipped).toPrecision(2));
  const as = (count) => `${count === 1 ? "is" : "are"} distributed`;
  const strings = (count) => (count === 1 ? "string" : `${grouped(count)} strings`);
  const error = `but for ${percents} % of all probability`;
  if (exact === 0) return `the ${strings(guided)} ${as(guided)} as the model's own ${error}`;
  return `the first ${strings(exact)} ${as(exact)} exactly as the model's own, the next ${grouped(guided)} ${error}`;
}

/**
 * How rare strings are that meet the conditions, how many of those that came are not plausible, and how far those of a
 * guide are from the model's own: sentences.
 * @param {{share: number, shareError: number, shareBelow?: number, clipped?: number}} source
 * @param {{found: number, exact: number, implausible: number}} came `exact`: those without a guide
 * @returns {string[]}
 */
export function notesOf({ share, shareError, shareBelow, clipped = 0 }, { found, exact, implausible }) {
  const notes = [];
  if (implausible > 0) {
    const few = `${grouped(implausible)} of the ${grouped(found)} strings ${implausible === 1 ? "is" : "are"}`;
    notes.push(`${found === 1 ? "the string is" : few} not plausible: hardly any that meets the conditions is`);
  }
  if (share > 0 && share < RARE) {
    notes.push(`about ${shareText(share, shareError)} of the model's strings meet the conditions`);
  }
  if (shareBelow < RARE) {
    notes.push(`fewer than ${shareText(shareBelow, shareBelow)} of the model's strings meet the conditions`);
  }
  if (clipped > 0 && found > exact) notes.push(clippedText(clipped, exact, found - exact));
  return notes;
}

/**
 * Why no others come, where there are none.
 * @param {number} found
 * @param {number} count
 * @returns {string | null}
 */
export function exhaustedReason(found, count) {
  if (found >= count) return null;
  return found === 0 ? "the model makes none that can be used" : "the model makes no others that can be used";
}

/**
 * Why no others are looked for.
 * @param {{found: number, looked: number, lookedInVain: number}} tally
 * @param {{isNew: boolean, known: boolean, again: number}} asked whether strings must be new, whether they must meet
 *   conditions, and how many in a row had come before
 * @returns {string}
 */
export function hopelessReason(tally, { isNew, known, again }) {
  if (again > 0) return `the last ${grouped(again)} that came were all among them`;
  const wanted = isNew ? (known ? "meets the conditions and is new" : "is new") : "meets the conditions";
  const less = known ? "; ask for fewer or shorter conditions" : "";
  if (tally.found === 0) return `${grouped(tally.looked)} strings were tried, and none of them ${wanted}${less}`;
  return `of the last ${grouped(tally.lookedInVain)} strings that were tried, none is another that can be used`;
}
