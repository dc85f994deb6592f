/** What is typed, read as the model can: in the case that it knows, and without blanks at the ends that it does not. */

import { characterName, inWords } from "./numbers.js";

/**
 * @param {string} given
 * @param {Set<string>} known the characters of the model
 * @returns {{given: string, text: string, folded: string[], trimmed: boolean}} `text` is what the model is asked about;
 * `folded` are the characters that stand for their other case there
 */
export function readAsKnown(given, known) {
  const own = Array.from(given).every((character) => known.has(character)) ? given : given.normalize("NFC");
  const characters = Array.from(own);
  const blank = (character) => character !== undefined && !known.has(character) && /^\s$/u.test(character);
  let [from, to] = [0, characters.length];
  while (blank(characters[from])) from++;
  while (to > from && blank(characters[to - 1])) to--;
  const inside = characters.slice(from, to);
  const read = inside.map((character) => otherCaseOf(character, known));
  const folded = [...new Set(inside.filter((character, i) => character !== read[i]))];
  return { given, text: read.join(""), folded, trimmed: inside.length < characters.length };
}

/** @param {string} character @param {Set<string>} known @returns {string} */
function otherCaseOf(character, known) {
  if (known.has(character)) return character;
  return [character.toLowerCase(), character.toUpperCase()].find((other) => known.has(other)) ?? character;
}

/**
 * @param {ReturnType<typeof readAsKnown>[]} readings
 * @param {Set<string>} known
 * @returns {string} a sentence on what is read in another way than it was typed, "" where nothing is
 */
export function readingText(readings, known) {
  const folded = [...new Set(readings.flatMap((reading) => reading.folded))];
  const parts = folded.length
    ? [`${inWords(folded.map((one) => `${one} is read as ${otherCaseOf(one, known)}`))}: the model knows this case alone`]
    : [];
  if (readings.some((reading) => reading.trimmed)) parts.push("blanks at the ends, which the model does not know, are left out");
  if (parts.length === 0) return "";
  const [first, ...others] = folded.length ? parts : parts.map((part) => part.replace(/^b/, "B"));
  return `${[first, ...others].join("; ")}.`;
}

/** @param {string} text @param {Set<string>} known @returns {string[]} the names of the characters that the model does not know, each once */
export function unknownNames(text, known) {
  return [...new Set(Array.from(text).filter((character) => !known.has(character)))].map(characterName);
}
