// What is told of strings when the last one is there: why there are not more, and what is to be known of rare ones.

import { grouped } from "./texts.js";

const RARE = 0.01; // a share of the model's strings below which it is told
const VERY_RARE = 1e-4; // one below which it is told as one in so many
const CERTAIN = 0.1; // a standard error, as a share of what it is of, with which two digits are told

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
 * How rare strings are that meet the conditions, and how many of those that came are not plausible: sentences.
 * @param {{share: number, shareError: number, shareBelow?: number}} source
 * @param {{found: number, implausible: number}} came
 * @returns {string[]}
 */
export function notesOf({ share, shareError, shareBelow }, { found, implausible }) {
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
