// What strings must be like, as automata; and the sentences for what no string can meet.

import { Automaton, DEAD, both, checkSize } from "./automaton.js";
import { matching } from "./pattern_automaton.js";
import { Refusal, grouped, inNfc, quoted } from "./texts.js";

/**
 * What is asked for when strings are asked for; a text that is empty or missing asks for nothing.
 * @typedef {object} Wish
 * @property {number} count
 * @property {string} [startsWith]
 * @property {string} [endsWith]
 * @property {string | string[]} [contains]
 * @property {number | null} [minLength]
 * @property {number | null} [maxLength]
 * @property {string} [only]
 * @property {string} [never]
 * @property {string} [pattern] for the whole string, as Python's `re.fullmatch` reads it
 * @property {boolean} [isNew]
 * @property {boolean} [unique] whether no string comes twice; so it is where it is missing
 * @property {number | null} [temperature] 1 where it is missing
 * @property {boolean} [plausible]
 * @property {Object<string, string> | null} [label]
 * @property {number | null} [seed]
 * @property {boolean} [likeliest]
 */

/**
 * The automaton that finds a text in a string; in its last state the string ends with it (Knuth, Morris, Pratt 1977).
 * @param {Int32Array} ids
 * @param {number} width
 * @param {boolean} stays whether the last state is never left
 * @returns {Automaton}
 */
function finding(ids, width, stays) {
  const states = ids.length + 1;
  checkSize(states, width);
  const transitions = new Int32Array(states * width);
  let fallback = 0; // the state of the string without its first character
  for (let state = 0; state < states; state++) {
    const row = state * width;
    if (state > 0) transitions.copyWithin(row, fallback * width, (fallback + 1) * width);
    if (state > 0 && state < ids.length) fallback = transitions[fallback * width + ids[state]];
    if (state < ids.length) transitions[row + ids[state]] = state + 1;
    if (stays && state === ids.length) transitions.fill(state, row, row + width);
    transitions[row] = DEAD;
  }
  const accepting = new Uint8Array(states);
  accepting[ids.length] = 1;
  return Automaton.of(width, transitions, accepting);
}

/**
 * @param {Int32Array} ids
 * @param {number} width
 * @returns {Automaton}
 */
function beginning(ids, width) {
  const transitions = new Int32Array((ids.length + 1) * width).fill(DEAD);
  ids.forEach((id, state) => (transitions[state * width + id] = state + 1));
  transitions.fill(ids.length, ids.length * width + 1);
  const accepting = new Uint8Array(ids.length + 1);
  accepting[ids.length] = 1;
  return Automaton.of(width, transitions, accepting);
}

/**
 * @param {number} least
 * @param {number | null} most
 * @param {number} width
 * @returns {Automaton}
 */
export function ofLength(least, most, width) {
  const states = (most ?? least) + 1;
  checkSize(states, width);
  const transitions = new Int32Array(states * width).fill(DEAD);
  for (let state = 0; state < states; state++) {
    const after = state + 1 < states ? state + 1 : most === null ? state : DEAD;
    transitions.fill(after, state * width + 1, (state + 1) * width);
  }
  return Automaton.of(width, transitions, Uint8Array.from({ length: states }, (_, state) => (state >= least ? 1 : 0)));
}

/**
 * Any string of the ids for which `allowed` says so.
 * @param {number} width
 * @param {(id: number) => boolean} allowed
 * @returns {Automaton}
 */
function ofIds(width, allowed) {
  const transitions = Int32Array.from({ length: width }, (_, id) => (id > 0 && allowed(id) ? 0 : DEAD));
  return Automaton.of(width, transitions, Uint8Array.of(1));
}

/** @param {number} count */
function inCharacters(count) {
  return `${count} character${count === 1 ? "" : "s"}`;
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function checkLength(name, value) {
  if (value !== null && !(Number.isSafeInteger(value) && value >= 0)) {
    throw new Refusal(`the ${name} length is ${value}; it must be a whole number of 0 or more`);
  }
}

/**
 * @param {Wish} wish
 * @param {number} width
 */
function lengthAsked(wish, width) {
  const least = wish.minLength ?? 0;
  const most = wish.maxLength ?? null;
  if (wish.minLength == null && most === null) return null;
  checkLength("least", least);
  checkLength("most", most);
  if (most !== null && most < least) {
    throw new Refusal(`the least length is ${least} and the most is ${most}; the most must not be smaller`);
  }
  let says = `has at least ${inCharacters(least)}`;
  if (most !== null && least === most) says = `has exactly ${inCharacters(most)}`;
  else if (most !== null) says = `has at most ${inCharacters(most)}${least ? ` and at least ${least}` : ""}`;
  return { says, automaton: ofLength(least, most, width) };
}

/**
 * Each condition of a wish: how it completes "a string that ...", and its automaton. Throws a Refusal for what makes no
 * sense, is too large or has a character that the model does not know.
 * @param {Wish} wish
 * @param {import("./texts.js").Alphabet} alphabet
 * @returns {{says: string, automaton: Automaton}[]}
 */
export function conditionsOf(wish, alphabet) {
  const width = alphabet.size;
  const found = [];
  const add = (says, automaton) => found.push({ says, automaton });
  if (wish.startsWith) {
    add(`starts with ${quoted(wish.startsWith)}`, beginning(alphabet.spelled(wish.startsWith), width));
  }
  if (wish.endsWith) add(`ends with ${quoted(wish.endsWith)}`, finding(alphabet.spelled(wish.endsWith), width, false));
  for (const text of [wish.contains ?? []].flat()) {
    if (text) add(`contains ${quoted(text)}`, finding(alphabet.spelled(text), width, true));
  }
  if (wish.pattern) add(`matches ${quoted(wish.pattern)}`, matching(wish.pattern, alphabet));
  const length = lengthAsked(wish, width);
  if (length !== null) found.push(length);
  for (const [text, says, among] of [
    [wish.only, "has only the characters", true],
    [wish.never, "has none of the characters", false],
  ]) {
    if (!text) continue;
    const ids = new Set(alphabet.encoded(inNfc(text)));
    add(`${says} ${quoted(text)}`, ofIds(width, (id) => ids.has(id) === among));
  }
  return found;
}

/**
 * The automaton of the strings, one character long or longer, that meet all conditions; null without conditions. Throws
 * a Refusal where none does, which names one condition, or two, if these alone rule out all.
 * @param {{says: string, automaton: Automaton}[]} conditions
 * @param {import("./texts.js").Alphabet} alphabet
 * @returns {Automaton | null}
 */
export function allOf(conditions, alphabet) {
  if (conditions.length === 0) return null;
  const some = ofLength(1, null, alphabet.size); // no string that is made is empty
  const impossible = (which) =>
    new Refusal(
      `no string that the model can make ${which.map(({ says }) => says).join(" and ")}; it makes strings of one ` +
        `character or more, of ${alphabet.listing()}`,
    );
  const possible = (which) => !which.reduce((joined, { automaton }) => both(joined, automaton), some).empty;
  for (const condition of conditions) if (!possible([condition])) throw impossible([condition]);
  const whole = conditions.reduce((joined, { automaton }) => both(joined, automaton), some);
  if (!whole.empty) return whole;
  for (let first = 0; first < conditions.length; first++) {
    for (let second = first + 1; second < conditions.length; second++) {
      const pair = [conditions[first], conditions[second]];
      if (!possible(pair)) throw impossible(pair);
    }
  }
  throw impossible(conditions);
}

/**
 * Throws a Refusal where the strings that meet the conditions can be listed, and all of them are refused.
 * @param {Automaton} automaton
 * @param {import("./texts.js").Alphabet} alphabet
 * @param {(string: string) => boolean} refused
 */
export function checkSomeLeft(automaton, alphabet, refused) {
  const every = automaton.every(10000);
  if (every !== null && every.every((ids) => refused(alphabet.decoded(ids)))) {
    throw new Refusal(
      `only ${grouped(every.length)} strings meet the conditions, and every one of them is refused; ask for other ones`,
    );
  }
}
