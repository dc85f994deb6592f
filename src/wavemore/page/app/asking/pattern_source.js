// The tokens of a regular expression: single characters, and backslashes with the character after them.

import { quoted } from "./texts.js";

const SINGLE = { "\\a": 7, "\\b": 8, "\\f": 12, "\\n": 10, "\\r": 13, "\\t": 9, "\\v": 11, "\\\\": 92 };
const HEX_DIGITS = { x: 2, u: 4, U: 8 };
const MOST_GROUPS = 1073741823;

/** Something that is no regular expression. */
export class PatternFault extends Error {
  /**
   * @param {string} message
   * @param {string[]} [pattern] its code points
   * @param {number} [position]
   */
  constructor(message, pattern, position) {
    let where = "";
    if (pattern !== undefined) {
      where = ` at position ${position}`;
      if (pattern.includes("\n")) {
        const before = pattern.slice(0, position);
        const lines = before.filter((character) => character === "\n").length;
        where += ` (line ${lines + 1}, column ${position - before.lastIndexOf("\n")})`;
      }
    }
    super(message + where);
  }
}

/** A pattern that is nested too deeply. */
export class TooDeep extends Error {}

/** A pattern's tokens, one after the other, and its groups. */
export class PatternSource {
  /** @param {string} pattern */
  constructor(pattern) {
    this.pattern = [...pattern];
    this.index = 0;
    this.groups = 1;
    /** @type {Map<string, number>} */
    this.names = new Map();
    this.open = new Set();
    /** @type {Map<number, number>} groups that conditions ask for, and where */
    this.askedGroups = new Map();
    /** @type {string | null} */
    this.next = null;
    this.advance();
  }

  advance() {
    const first = this.pattern[this.index];
    this.next = first ?? null;
    if (first === undefined) return;
    this.index++;
    if (first === "\\") {
      const second = this.pattern[this.index++];
      if (second === undefined) {
        throw new PatternFault("bad escape (end of pattern)", this.pattern, this.pattern.length - 1);
      }
      this.next += second;
    }
  }

  /** The next token, taken; null at the end. */
  get() {
    const token = this.next;
    this.advance();
    return token;
  }

  /**
   * Whether the next token is this one, which is then taken.
   * @param {string} token
   */
  take(token) {
    if (this.next !== token) return false;
    this.advance();
    return true;
  }

  /** The position of the next token. */
  tell() {
    return this.index - (this.next === null ? 0 : [...this.next].length);
  }

  /** @param {number} position */
  seek(position) {
    this.index = position;
    this.advance();
  }

  /**
   * @param {string} message
   * @param {number} offset how far before the next token it is
   */
  fault(message, offset) {
    return new PatternFault(message, this.pattern, this.tell() - offset);
  }

  /** @param {string} message of what another version of Python may read otherwise */
  warning(message) {
    return new PatternFault(message);
  }

  /** @param {string} before */
  unknownExtension(before) {
    const token = this.get();
    if (token === null) return this.fault("unexpected end of pattern", 0);
    return this.fault(`unknown extension ${before}${token}`, [...token].length + 2);
  }

  /**
   * The next characters that are among these, so many at most, taken.
   * @param {number} most
   * @param {RegExp} among
   */
  while(most, among) {
    let text = "";
    for (let count = 0; count < most && this.next !== null && among.test(this.next); count++) text += this.get();
    return text;
  }

  /**
   * @param {string} end
   * @param {string} what
   */
  until(end, what) {
    let text = "";
    for (;;) {
      const token = this.get();
      if (token === null) {
        if (!text) throw this.fault(`missing ${what}`, 0);
        throw this.fault(`missing ${end}, unterminated name`, [...text].length);
      }
      if (token === end) {
        if (!text) throw this.fault(`missing ${what}`, 1);
        return text;
      }
      text += token;
    }
  }

  /** The two numbers of {2,5}, as texts; null where it is none. */
  counts() {
    const least = this.while(Infinity, /^[0-9]$/);
    const most = this.take(",") ? this.while(Infinity, /^[0-9]$/) : least;
    return this.take("}") ? [least, most] : null;
  }

  /**
   * @param {string} name
   * @param {number} offset
   */
  checkName(name, offset) {
    if (!/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(name)) {
      throw this.fault(`bad character in group name ${quoted(name)}`, [...name].length + offset);
    }
  }

  /** @param {string | null} name */
  openGroup(name) {
    const group = this.groups++;
    if (name !== null) {
      const known = this.names.get(name);
      if (known !== undefined) {
        const message = `redefinition of group name ${quoted(name)} as group ${group}; was group ${known}`;
        throw this.fault(message, [...name].length + 1);
      }
      this.names.set(name, group);
    }
    this.open.add(group);
    return group;
  }

  /** @param {number} group */
  closeGroup(group) {
    this.open.delete(group);
  }

  /** (?P=name) */
  namedReference() {
    const name = this.until(")", "group name");
    this.checkName(name, 1);
    const group = this.names.get(name);
    if (group === undefined) throw this.fault(`unknown group name ${quoted(name)}`, [...name].length + 1);
    if (this.open.has(group)) throw this.fault("cannot refer to an open group", [...name].length + 1);
    return { op: "refused", what: "a back-reference" };
  }

  /** The name or number of (?(1)...). */
  conditionName() {
    const name = this.until(")", "group name");
    const length = [...name].length + 1;
    if (/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(name)) {
      if (!this.names.has(name)) throw this.fault(`unknown group name ${quoted(name)}`, length);
      return;
    }
    if (!/^[0-9]+$/.test(name)) throw this.fault(`bad character in group name ${quoted(name)}`, length);
    const group = Number(name);
    if (group === 0) throw this.fault("bad group number", length);
    if (group >= MOST_GROUPS) throw this.fault(`invalid group reference ${name}`, length);
    if (!this.askedGroups.has(group)) this.askedGroups.set(group, this.tell() - length);
  }
}

/**
 * The piece of an escape.
 * @param {PatternSource} source
 * @param {string} token the backslash and the character after it
 * @param {boolean} inSet whether it stands between square brackets
 * @returns {object}
 */
export function escapeIn(source, token, inSet) {
  const letter = token.slice(1);
  if ("dDsSwW".includes(letter)) return { op: "character", negated: false, items: [{ category: letter }] };
  if (!inSet && (letter === "A" || letter === "Z")) return { op: "anchor", kind: letter === "A" ? "start" : "end" };
  if (!inSet && (letter === "b" || letter === "B")) return { op: "refused", what: "a word boundary", boundary: true };
  const point = SINGLE[token] ?? numbered(source, token, inSet);
  if (typeof point !== "number") return point;
  return { op: "character", negated: false, items: [{ from: point, to: point }] };
}

/**
 * The code point of an escape by a number, or a back-reference.
 * @param {PatternSource} source
 * @param {string} token
 * @param {boolean} inSet
 */
function numbered(source, token, inSet) {
  const letter = token.slice(1);
  const octal = (digits) => {
    if (parseInt(digits, 8) > 255) {
      throw source.fault(`octal escape value \\${digits} outside of range 0-0o377`, digits.length + 1);
    }
    return parseInt(digits, 8);
  };
  if (HEX_DIGITS[letter]) {
    const digits = source.while(HEX_DIGITS[letter], /^[0-9a-fA-F]$/);
    if (digits.length < HEX_DIGITS[letter]) {
      throw source.fault(`incomplete escape ${token}${digits}`, 2 + digits.length);
    }
    const point = parseInt(digits, 16);
    if (point > 0x10ffff) throw source.fault(`bad escape ${token}${digits}`, 2 + digits.length);
    return point;
  }
  if (letter === "N") {
    throw new PatternFault("characters cannot be named here, as in \\N{EM DASH}; write the character itself");
  }
  if (/^[0-7]$/.test(letter) && (inSet || letter === "0")) return octal(letter + source.while(2, /^[0-7]$/));
  if (/^[0-9]$/.test(letter) && !inSet) {
    let digits = letter + source.while(1, /^[0-9]$/);
    if (/^[0-7]{2}$/.test(digits) && /^[0-7]$/.test(source.next ?? "")) return octal(digits + source.get());
    const group = Number(digits);
    if (group >= source.groups) throw source.fault(`invalid group reference ${group}`, digits.length);
    if (source.open.has(group)) throw source.fault("cannot refer to an open group", digits.length + 1);
    return { op: "refused", what: "a back-reference" };
  }
  if (/^[a-zA-Z0-9]$/.test(letter)) throw source.fault(`bad escape ${token}`, token.length);
  return letter.codePointAt(0);
}
