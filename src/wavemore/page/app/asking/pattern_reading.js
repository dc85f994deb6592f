// Reads a regular expression as Python's `re` does, into a tree. Positions in messages count code points.
//
// A tree is a list of pieces:
//   { op: "character", negated, items }    items: { from, to } code points, or { category: "d" | "D" | "s" | ... }
//   { op: "any" }                          the dot
//   { op: "branch", parts }                one list of pieces for each alternative
//   { op: "group", body, add, remove }     add, remove: flags, as a set of letters
//   { op: "repeat", body, least, most }    most may be Infinity
//   { op: "anchor", kind }                 "^", "$", "start" (\A) or "end" (\Z)
//   { op: "refused", what }                what no automaton can follow here

import { PatternSource, PatternFault, TooDeep, escapeIn } from "./pattern_source.js";

const MOST_REPEATS = 4294967295;
const DEEPEST = 300; // brackets inside brackets
const QUANTIFIERS = "*+?{";
const FLAG_LETTERS = "iLmsxau";

/** Reads one pattern. */
class PatternReader {
  /** @param {string} pattern */
  constructor(pattern) {
    this.source = new PatternSource(pattern);
    this.flags = new Set();
  }

  /** @returns {{pieces: object[], flags: Set<string>}} */
  whole() {
    const source = this.source;
    const pieces = this.alternatives(false, 0);
    if (source.next !== null) throw source.fault("unbalanced parenthesis", 0);
    for (const [group, position] of source.askedGroups) {
      if (group >= source.groups) throw new PatternFault(`invalid group reference ${group}`, source.pattern, position);
    }
    return { pieces, flags: this.flags };
  }

  /**
   * a|b|c
   * @param {boolean} verbose
   * @param {number} depth
   */
  alternatives(verbose, depth) {
    if (depth > DEEPEST) throw new TooDeep();
    const parts = [];
    let own = verbose;
    for (;;) {
      parts.push(this.sequence(own, depth + 1, depth === 0 && parts.length === 0));
      if (!this.source.take("|")) break;
      if (depth === 0) own = this.flags.has("x");
    }
    if (parts.length === 1) return parts[0];
    const single = parts.every((part) => part.length === 1 && part[0].op === "character" && !part[0].negated);
    if (single) return [{ op: "character", negated: false, items: parts.flatMap((part) => part[0].items) }];
    return [{ op: "branch", parts }];
  }

  /**
   * One piece after the other.
   * @param {boolean} verbose
   * @param {number} depth
   * @param {boolean} first whether flags for the whole pattern may stand here
   */
  sequence(verbose, depth, first) {
    const source = this.source;
    const pieces = [];
    let skipping = verbose;
    for (;;) {
      const token = source.next;
      if (token === null || token === "|" || token === ")") break;
      source.get();
      if (skipping && " \t\n\r\v\f".includes(token)) continue;
      if (skipping && token === "#") {
        for (let skipped = source.get(); skipped !== null && skipped !== "\n"; ) skipped = source.get();
      } else if (token[0] === "\\") pieces.push(escapeIn(source, token, false));
      else if (token === "[") pieces.push(this.set());
      else if (QUANTIFIERS.includes(token)) this.quantifier(token, pieces);
      else if (token === ".") pieces.push({ op: "any" });
      else if (token === "(") {
        const piece = this.bracket(skipping, depth, first && pieces.length === 0);
        if (piece === "flags") skipping = this.flags.has("x");
        else if (piece) pieces.push(piece);
      } else if (token === "^" || token === "$") pieces.push({ op: "anchor", kind: token });
      else pieces.push(literal(token.codePointAt(0)));
    }
    return pieces;
  }

  /** What stands between square brackets. */
  set() {
    const source = this.source;
    const here = source.tell() - 1;
    if (source.next === "[") throw source.warning(`Possible nested set at position ${source.tell()}`);
    const negated = source.take("^");
    const items = [];
    const ended = () => source.fault("unterminated character set", source.tell() - here);
    for (;;) {
      const token = source.get();
      if (token === null) throw ended();
      if (token === "]" && items.length) break;
      if (items.length && "-&~|".includes(token) && source.next === token) {
        const kind = { "-": "difference", "&": "intersection", "~": "symmetric difference", "|": "union" }[token];
        throw source.warning(`Possible set ${kind} at position ${source.tell() - 1}`);
      }
      const from = this.member(token);
      if (!source.take("-")) {
        items.push(from);
        continue;
      }
      const last = source.get();
      if (last === null) throw ended();
      if (last === "]") {
        items.push(from, { from: 45, to: 45 });
        break;
      }
      if (last === "-") throw source.warning(`Possible set difference at position ${source.tell() - 2}`);
      const to = this.member(last);
      if (from.category || to.category || to.from < from.from) {
        throw source.fault(`bad character range ${token}-${last}`, [...token].length + 1 + [...last].length);
      }
      items.push({ from: from.from, to: to.from });
    }
    return { op: "character", negated, items };
  }

  /** @param {string} token */
  member(token) {
    if (token[0] === "\\") return escapeIn(this.source, token, true).items[0];
    const point = token.codePointAt(0);
    return { from: point, to: point };
  }

  /**
   * Puts a repeat in place of the last piece.
   * @param {string} token
   * @param {object[]} pieces
   */
  quantifier(token, pieces) {
    const source = this.source;
    const here = source.tell();
    let [least, most] = { "?": [0, 1], "*": [0, Infinity], "+": [1, Infinity], "{": [0, Infinity] }[token];
    if (token === "{") {
      const counts = source.next === "}" ? null : source.counts();
      if (counts === null) {
        source.seek(here);
        pieces.push(literal(123));
        return;
      }
      if (counts[0] !== "") least = Number(counts[0]);
      if (counts[1] !== "") most = Number(counts[1]);
      if (least >= MOST_REPEATS || (most !== Infinity && most >= MOST_REPEATS)) {
        throw new PatternFault("the repetition number is too large");
      }
      if (most < least) throw source.fault("min repeat greater than max repeat", source.tell() - here);
    }
    const last = pieces.at(-1);
    const far = source.tell() - here + 1;
    if (!last || last.op === "anchor" || last.boundary) throw source.fault("nothing to repeat", far);
    if (last.op === "repeat" || last.possessive) throw source.fault("multiple repeat", far);
    if (source.take("+")) pieces[pieces.length - 1] = { op: "refused", what: "a possessive repeat", possessive: true };
    else {
      source.take("?"); // a lazy one matches the same strings
      pieces[pieces.length - 1] = { op: "repeat", body: [last], least, most };
    }
  }

  /**
   * What follows an opening bracket: a piece, "flags" where they were for the whole pattern, or null for a comment.
   * @param {boolean} verbose
   * @param {number} depth
   * @param {boolean} first
   */
  bracket(verbose, depth, first) {
    const source = this.source;
    const start = source.tell() - 1;
    const close = () => {
      if (!source.take(")")) throw source.fault("missing ), unterminated subpattern", source.tell() - start);
    };
    const inside = (own = verbose) => {
      const body = this.alternatives(own, depth);
      close();
      return body;
    };
    let group = null;
    let flags = { add: new Set(), remove: new Set() };
    if (!source.take("?")) group = source.openGroup(null);
    else {
      const kind = source.get();
      if (kind === null) throw source.fault("unexpected end of pattern", 0);
      if (kind === "P") {
        if (source.take("=")) return source.namedReference();
        if (!source.take("<")) throw source.unknownExtension("?P");
        const name = source.until(">", "group name");
        source.checkName(name, 1);
        group = source.openGroup(name);
      } else if (kind === "#") {
        for (let skipped = ""; skipped !== ")"; skipped = source.get()) {
          if (source.next === null) throw source.fault("missing ), unterminated comment", source.tell() - start);
        }
        return null;
      } else if (kind === "=" || kind === "!" || kind === "<") {
        if (kind === "<" && !source.take("=") && !source.take("!")) throw source.unknownExtension("?<");
        inside();
        return { op: "refused", what: "look-around" };
      } else if (kind === "(") return this.conditional(verbose, depth, close);
      else if (kind === ">") {
        inside();
        return { op: "refused", what: "an atomic group" };
      } else if (kind === "-" || FLAG_LETTERS.includes(kind)) {
        flags = this.letters(kind);
        if (flags === null) {
          if (!first) throw source.fault("global flags not at the start of the expression", source.tell() - start);
          return "flags";
        }
      } else if (kind !== ":") throw source.fault(`unknown extension ?${kind}`, [...kind].length + 1);
    }
    const body = inside((verbose || flags.add.has("x")) && !flags.remove.has("x"));
    if (group !== null) source.closeGroup(group);
    return { op: "group", body, ...flags };
  }

  /**
   * (?(1)yes|no)
   * @param {boolean} verbose
   * @param {number} depth
   * @param {() => void} close
   */
  conditional(verbose, depth, close) {
    const source = this.source;
    source.conditionName();
    this.sequence(verbose, depth + 1, false);
    if (source.take("|")) {
      this.sequence(verbose, depth + 1, false);
      if (source.next === "|") throw source.fault("conditional backref with more than two branches", 0);
    }
    close();
    return { op: "refused", what: "a condition on a group" };
  }

  /**
   * Flags in brackets: null where they are for the whole pattern.
   * @param {string} letter the first one
   */
  letters(letter) {
    const source = this.source;
    const add = new Set();
    const remove = new Set();
    const next = (missing) => {
      const token = source.get();
      if (token === null) throw source.fault(missing, 0);
      return token;
    };
    const check = (token, missing) => {
      if (FLAG_LETTERS.includes(token)) return;
      throw source.fault(/^\p{L}$/u.test(token) ? "unknown flag" : missing, [...token].length);
    };
    let token = letter;
    for (; token !== "-"; ) {
      add.add(token);
      if (token === "L") throw source.fault("bad inline flags: cannot use 'L' flag with a str pattern", 0);
      if (add.has("a") && add.has("u")) {
        throw source.fault("bad inline flags: flags 'a', 'u' and 'L' are incompatible", 0);
      }
      token = next("missing -, : or )");
      if (token === ")") {
        for (const flag of add) this.flags.add(flag);
        return null;
      }
      if (token === ":") return { add, remove };
      if (token !== "-") check(token, "missing -, : or )");
    }
    token = next("missing flag");
    check(token, "missing flag");
    for (;;) {
      remove.add(token);
      if ("auL".includes(token)) {
        throw source.fault("bad inline flags: cannot turn off flags 'a', 'u' and 'L'", 0);
      }
      token = next("missing :");
      if (token === ":") break;
      check(token, "missing :");
    }
    if ([...add].some((flag) => remove.has(flag))) throw source.fault("bad inline flags: flag turned on and off", 1);
    return { add, remove };
  }
}

/** @param {number} point */
function literal(point) {
  return { op: "character", negated: false, items: [{ from: point, to: point }] };
}

/**
 * The tree of a pattern and the flags of the whole. Throws a PatternFault for what is no pattern, TooDeep.
 * @param {string} pattern
 * @returns {{pieces: object[], flags: Set<string>}}
 */
export function readPattern(pattern) {
  return new PatternReader(pattern).whole();
}
