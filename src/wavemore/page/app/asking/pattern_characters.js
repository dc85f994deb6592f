// Which characters a piece of a pattern stands for, as Python's `re` says.

const WORD = /[\p{L}\p{N}_]/u;
const DIGIT = /\p{Nd}/u;
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u;
const LAST_CASED = 0x1ffff;

/** @type {Map<string, number[]> | null} the characters of each fold, made when it is first asked for */
let charactersOfFold = null;

/**
 * What characters have in common that Python takes for one where case is ignored.
 * @param {string} character
 */
function foldOf(character) {
  const [lower] = character.toLowerCase();
  return lower.toUpperCase();
}

/** @returns {Map<string, number[]>} */
function folds() {
  if (charactersOfFold === null) {
    charactersOfFold = new Map();
    for (let point = 0; point <= LAST_CASED; point++) {
      if (point >= 0xd800 && point < 0xe000) continue;
      const character = String.fromCodePoint(point);
      const fold = foldOf(character);
      if (fold === character && character.toLowerCase() === character) continue; // without case
      const some = charactersOfFold.get(fold);
      if (some === undefined) charactersOfFold.set(fold, [point]);
      else some.push(point);
    }
  }
  return charactersOfFold;
}

/**
 * The code points that stand for a character where case is ignored, itself included.
 * @param {string} character
 * @param {boolean} ascii whether only ASCII letters have two cases
 * @returns {number[]}
 */
function casesOf(character, ascii) {
  const point = character.codePointAt(0);
  if (ascii) return /[a-zA-Z]/.test(character) ? [point, point ^ 32] : [point];
  return folds().get(foldOf(character)) ?? [point];
}

/**
 * @param {string} category
 * @param {string} character
 * @param {boolean} ascii
 */
function isOf(category, character, ascii) {
  const inside = !ascii || character.codePointAt(0) < 128;
  const kind = category.toLowerCase();
  const known = kind === "d" ? DIGIT : kind === "w" ? WORD : SPACE;
  const among = ascii && kind === "s" ? /[ \t-\r]/.test(character) : inside && known.test(character);
  return among === (category === kind);
}

/**
 * Whether a character may stand where a piece is.
 * @param {object} piece see pattern_reading.js: "character" or "any"
 * @param {Set<string>} flags
 * @param {string} character
 * @returns {boolean}
 */
export function standsFor(piece, flags, character) {
  if (piece.op === "any") return flags.has("s") || character !== "\n";
  const ascii = flags.has("a");
  const points = flags.has("i") ? casesOf(character, ascii) : [character.codePointAt(0)];
  const within = (item, point) => item.from <= point && point <= item.to;
  const among = piece.items.some((item) => {
    if (item.category !== undefined) return isOf(item.category, character, ascii);
    if (points.some((point) => within(item, point))) return true;
    // A range that goes beyond four hexadecimal digits has both cases in Python even where it is told ASCII's alone.
    const wide = flags.has("i") && item.from < item.to && item.to > 0xffff;
    return wide && within(item, character.toUpperCase().codePointAt(0));
  });
  return among !== piece.negated;
}
