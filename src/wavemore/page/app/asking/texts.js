// Texts as the model reads them: Unicode code points in NFC, and their ids.

/** What was asked for cannot be done; the message is one sentence for the person who asked. */
export class Refusal extends Error {}

/**
 * The text in Unicode's NFC form.
 * @param {string} text
 * @returns {string}
 */
export function inNfc(text) {
  return text.normalize("NFC");
}

/**
 * A text in quotes, as Python shows it: line ends and other characters that cannot be seen are written as escapes.
 * @param {string} text
 * @returns {string}
 */
export function quoted(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const named = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", [quote]: `\\${quote}` };
  let out = "";
  for (const character of text) {
    const point = character.codePointAt(0);
    if (named[character] !== undefined) out += named[character];
    else if (point === 32 || !/[\p{C}\p{Z}]/u.test(character)) out += character;
    else if (point < 0x100) out += `\\x${point.toString(16).padStart(2, "0")}`;
    else if (point < 0x10000) out += `\\u${point.toString(16).padStart(4, "0")}`;
    else out += `\\U${point.toString(16).padStart(8, "0")}`;
  }
  return quote + out + quote;
}

/**
 * A number with a comma after each three digits.
 * @param {number} number
 * @returns {string}
 */
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * A text of at most so many characters, else its beginning and three dots.
 * @param {string} text
 * @param {number} most
 */
function excerpt(text, most) {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most).join("")}…`;
}

/** The characters that a model knows. Id 0 is the boundary: start, end and padding of every string. */
export class Alphabet {
  /** @param {string[]} characters sorted by code point; the one at index i has id i + 1 */
  constructor(characters) {
    /** @type {string[]} */
    this.characters = characters;
    /** How many ids there are, the boundary included. */
    this.size = characters.length + 1;
    /** @type {Map<string, number>} */
    this.ids = new Map(characters.map((character, place) => [character, place + 1]));
  }

  /**
   * The id of each character, -1 for one that the model does not know.
   * @param {string} text
   * @returns {Int32Array}
   */
  encoded(text) {
    return Int32Array.from([...text], (character) => this.ids.get(character) ?? -1);
  }

  /**
   * Whether the model knows every character.
   * @param {string} text
   */
  knows(text) {
    return !this.encoded(text).includes(-1);
  }

  /**
   * The ids of a condition's text, in NFC where it is not spelled otherwise in the alphabet. Throws a Refusal for a
   * character that the model does not know.
   * @param {string} text
   * @returns {Int32Array}
   */
  spelled(text) {
    const own = this.knows(text) ? text : inNfc(text);
    const ids = this.encoded(own);
    if (ids.includes(-1)) {
      const character = [...own][ids.indexOf(-1)];
      const point = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      const other = this.otherCase(character);
      throw new Refusal(
        `${quoted(character)} (U+${point}) in ${quoted(own)} is not among the ${this.characters.length} characters ` +
          `that the model knows: ${excerpt(this.characters.join(""), 60)}` +
          (other === character ? "" : `; it knows ${quoted(other)}: write that`),
      );
    }
    return ids;
  }

  /** @param {string} character */
  otherCase(character) {
    return [character.toLowerCase(), character.toUpperCase()].find((other) => this.ids.has(other)) ?? character;
  }

  /**
   * The string of some ids.
   * @param {ArrayLike<number>} ids
   * @param {number} [from]
   * @param {number} [to]
   * @returns {string}
   */
  decoded(ids, from = 0, to = ids.length) {
    let text = "";
    for (let place = from; place < to; place++) text += this.characters[ids[place] - 1];
    return text;
  }

  /** All characters, or the first 60, as sentences name them. */
  listing() {
    const text = this.characters.join("");
    return this.characters.length <= 60 ? quoted(text) : `${quoted(this.characters.slice(0, 60).join(""))}...`;
  }
}
