/** Numbers and lists as people read them. */

const SPACE = "\u00a0"; // at which no line ends
const WHOLE = new Intl.NumberFormat("en");

/** @param {number} number @returns {string} with commas between thousands */
export function whole(number) {
  return WHOLE.format(number);
}

/** @param {number} number @param {string} one @param {string} [several] @returns {string} "1 string", "10 strings" */
export function counted(number, one, several = `${one}s`) {
  return `${whole(number)} ${number === 1 ? one : several}`;
}

/** @param {number} share from 0 to 1 @returns {string} "12 %", "0.3 %", "under 0.1 %" */
export function percent(share) {
  const number = 100 * share;
  if (number > 0 && number < 0.1) return `under 0.1${SPACE}%`;
  return `${number < 10 && number > 0 ? number.toFixed(1) : Math.round(number)}${SPACE}%`;
}

/** @param {number} bits @returns {string} with two digits after the point; "infinite" where it is */
export function bitsText(bits) {
  return Number.isFinite(bits) ? bits.toFixed(2) : "infinite";
}

/** @param {string} character @returns {string} the character, in quotes where it could be one of the sentence, or the name of one that is not seen */
export function characterName(character) {
  if (character === " ") return "space";
  if (character === "\t") return "tab";
  if (/[\p{P}\p{S}]/u.test(character)) return `“${character}”`;
  const hidden = /^[\p{C}\p{Z}\p{M}]+$/u.test(character);
  return hidden ? `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}` : character;
}

/** @param {string} character @returns {string} what a box shows for it: a mark on its own stands on a circle */
export function characterShown(character) {
  if (character === " ") return "␣";
  return /^\p{M}/u.test(character)
    ? `◌${character}`
    : /^[\p{C}\p{Z}]/u.test(character)
      ? characterName(character)
      : character;
}

/** The end of a string, as the trees and the coloured strings show it. */
export const END_SHOWN = "⏎";

/** @param {string[]} parts @returns {string} "a", "a and b", "a, b and c" */
export function inWords(parts) {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}
