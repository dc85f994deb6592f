// Regular expressions as automata: Glushkov's, as in Python's sampling/patterns.py. Each place in the pattern that
// stands for one character is a position; a state of the finished automaton is a set of positions, where the last
// character of the string may stand.

import { Automaton, DEAD, checkSize } from "./automaton.js";
import { NumberSet } from "./number_set.js";
import { PatternFault, TooDeep } from "./pattern_source.js";
import { readPattern } from "./pattern_reading.js";
import { standsFor } from "./pattern_characters.js";
import { Refusal, grouped, inNfc, quoted } from "./texts.js";

const MOST_PIECES = 10000; // pieces of a pattern whose counts are written out
const MOST_STATES = 50000; // sets of positions
const MOST_WORK = 1 << 22; // positions and classes of characters that are looked at, in all states together

/** What a pattern has that no automaton here can follow. */
class Unfollowed extends Error {}

/**
 * How many pieces a pattern has when its counts are written out.
 * @param {object[]} pieces
 * @returns {number}
 */
function piecesIn(pieces) {
  let count = 0;
  for (const piece of pieces) {
    if (piece.op === "repeat") {
      count += (piece.most === Infinity ? Math.max(piece.least, 1) : piece.most) * Math.max(1, piecesIn(piece.body));
    } else if (piece.op === "branch") for (const part of piece.parts) count += piecesIn(part);
    else if (piece.op === "group") count += piecesIn(piece.body);
    else count += 1;
  }
  return count;
}

/** The positions of a pattern; position 0 stands before the string. */
class PatternPositions {
  /**
   * @param {number} most
   * @param {boolean} endsInNewline whether a string can have a line end, before which `$` matches
   */
  constructor(most, endsInNewline) {
    this.wide = (most >> 5) + 1;
    this.endsInNewline = endsInNewline;
    this.follow = [new NumberSet(this.wide)];
    /** @type {Map<string, {piece: object, flags: Set<string>, positions: NumberSet}>} */
    this.kinds = new Map();
    this.begins = new NumberSet(this.wide);
    this.ends = new NumberSet(this.wide);
  }

  nothing() {
    return { first: new NumberSet(this.wide), last: new NumberSet(this.wide), empty: true };
  }

  /**
   * @param {object[]} pieces
   * @param {Set<string>} flags
   */
  sequence(pieces, flags) {
    let whole = this.nothing();
    for (const piece of [...pieces].reverse()) whole = this.joined(this.part(piece, flags), whole);
    return whole;
  }

  /**
   * @param {object} piece
   * @param {Set<string>} flags
   */
  part(piece, flags) {
    if (piece.op === "branch") {
      const whole = this.nothing();
      whole.empty = false;
      for (const pieces of piece.parts) {
        const part = this.sequence(pieces, flags);
        whole.first.include(part.first);
        whole.last.include(part.last);
        whole.empty ||= part.empty;
      }
      return whole;
    }
    if (piece.op === "group") {
      const inside = new Set([...flags, ...piece.add].filter((flag) => !piece.remove.has(flag)));
      if (piece.add.has("u")) inside.delete("a");
      return this.sequence(piece.body, inside);
    }
    if (piece.op === "repeat") return this.repeated(piece, flags);
    if (piece.op === "anchor") return this.anchor(piece.kind, flags);
    if (piece.op === "refused") throw new Unfollowed(piece.what);
    const own = new Set([...flags].filter((flag) => "isa".includes(flag)));
    const key = JSON.stringify([piece, [...own].sort()]);
    if (!this.kinds.has(key)) this.kinds.set(key, { piece, flags: own, positions: new NumberSet(this.wide) });
    return this.position(this.kinds.get(key).positions);
  }

  /** @param {NumberSet} alike the positions of the same kind */
  position(alike) {
    const number = this.follow.length;
    this.follow.push(new NumberSet(this.wide));
    alike.add(number);
    return { first: new NumberSet(this.wide).add(number), last: new NumberSet(this.wide).add(number), empty: false };
  }

  /**
   * @param {string} kind
   * @param {Set<string>} flags
   */
  anchor(kind, flags) {
    if (this.endsInNewline && (kind === "$" || flags.has("m"))) {
      throw new Unfollowed("^ or $ where strings can have line ends: write \\A and \\Z");
    }
    return this.position(kind === "^" || kind === "start" ? this.begins : this.ends);
  }

  /**
   * @param {object} piece
   * @param {Set<string>} flags
   */
  repeated(piece, flags) {
    const endless = piece.most === Infinity;
    let whole = this.nothing();
    if (endless) {
      whole = this.sequence(piece.body, flags);
      this.join(whole.last, whole.first);
      whole.empty ||= piece.least === 0;
    }
    for (let number = endless ? Math.max(piece.least, 1) - 1 : piece.most; number > 0; number--) {
      whole = this.joined(this.sequence(piece.body, flags), whole);
      if (number > piece.least) whole.empty = true; // as (x(x)?)?
    }
    return whole;
  }

  joined(left, right) {
    this.join(left.last, right.first);
    if (left.empty) left.first.include(right.first);
    if (right.empty) right.last.include(left.last);
    return { first: left.first, last: right.last, empty: left.empty && right.empty };
  }

  /**
   * @param {NumberSet} before
   * @param {NumberSet} after
   */
  join(before, after) {
    for (const position of before.numbers()) this.follow[position].include(after);
  }

  /** @param {NumberSet} states */
  after(states) {
    const reached = new NumberSet(this.wide);
    for (const position of states.numbers()) reached.include(this.follow[position]);
    return reached;
  }

  /**
   * A set with the positions of anchors that hold here, and of those that can come after them.
   * @param {NumberSet} states
   * @param {NumberSet} signs
   */
  past(states, signs) {
    const whole = states.copy();
    for (let size = -1; size !== whole.numbers().length; ) {
      size = whole.numbers().length;
      whole.include(this.after(whole).with(signs));
    }
    return whole;
  }
}

/**
 * Ids that every piece of the pattern treats alike form a class: where a character of each may stand, and each id's.
 * @param {PatternPositions} positions
 * @param {import("./texts.js").Alphabet} alphabet
 */
function classesOf(positions, alphabet) {
  const kinds = [...positions.kinds.values()];
  const numbers = new Map();
  const members = [];
  const classOf = alphabet.characters.map((character) => {
    const fitting = kinds.map(({ piece, flags }) => standsFor(piece, flags, character));
    const key = fitting.map(Number).join("");
    if (!numbers.has(key)) {
      numbers.set(key, members.length);
      const some = new NumberSet(positions.wide);
      kinds.forEach((kind, place) => fitting[place] && some.include(kind.positions));
      members.push(some);
    }
    return numbers.get(key);
  });
  return { members, classOf };
}

/**
 * @param {PatternPositions} positions
 * @param {{first: NumberSet, last: NumberSet, empty: boolean}} whole
 * @param {import("./texts.js").Alphabet} alphabet
 * @param {string} pattern
 * @returns {Automaton}
 */
function determined(positions, whole, alphabet, pattern) {
  const final = whole.last;
  if (whole.empty) final.add(0);
  positions.follow[0] = whole.first;
  const { members, classOf } = classesOf(positions, alphabet);
  const { begins, ends } = positions;
  const eitherEnd = begins.copy().include(ends);
  const start = positions.past(new NumberSet(positions.wide).add(0), begins);
  const numbers = new Map([[start.key, 0]]);
  const queue = [start];
  const table = [];
  const accepting = [];
  let work = 0;
  for (let place = 0; place < queue.length; place++) {
    const states = queue[place];
    accepting.push(positions.past(states, place === 0 ? eitherEnd : ends).meets(final) ? 1 : 0);
    const following = positions.after(states);
    table.push(
      members.map((some) => {
        const reached = following.with(some);
        if (!reached.words.some((word) => word !== 0)) return DEAD;
        const key = reached.key;
        if (!numbers.has(key)) {
          numbers.set(key, queue.length);
          queue.push(reached);
        }
        return numbers.get(key);
      }),
    );
    work += states.numbers().length * (1 + (positions.follow.length >> 9)) + members.length;
    if (work > MOST_WORK || queue.length > MOST_STATES) {
      throw new Refusal(
        `${quoted(pattern)} needs too large an automaton; write it with smaller counts or alternatives`,
      );
    }
    checkSize(queue.length, alphabet.size);
  }
  const transitions = new Int32Array(queue.length * alphabet.size).fill(DEAD);
  table.forEach((row, state) => {
    classOf.forEach((one, place) => (transitions[state * alphabet.size + place + 1] = row[one]));
  });
  return Automaton.of(alphabet.size, transitions, Uint8Array.from(accepting));
}

/**
 * The automaton of the strings that a pattern matches as a whole. Throws a Refusal.
 * @param {string} pattern
 * @param {import("./texts.js").Alphabet} alphabet
 * @returns {Automaton}
 */
export function matching(pattern, alphabet) {
  try {
    const { pieces, flags } = readPattern(inNfc(pattern));
    const count = piecesIn(pieces);
    if (count > MOST_PIECES) {
      throw new Refusal(
        `${quoted(pattern)} has ${grouped(count)} pieces when its counts are written out; they must be at most ` +
          grouped(MOST_PIECES),
      );
    }
    const positions = new PatternPositions(count + 1, alphabet.ids.has("\n"));
    return determined(positions, positions.sequence(pieces, flags), alphabet, pattern);
  } catch (error) {
    if (error instanceof Unfollowed) {
      throw new Refusal(
        `${quoted(pattern)} has ${error.message}; a pattern must do without look-around, back-references, conditions ` +
          "on groups, atomic groups, possessive repeats and word boundaries",
      );
    }
    if (error instanceof PatternFault) {
      throw new Refusal(`${quoted(pattern)} cannot be used as a regular expression: ${error.message}`);
    }
    if (error instanceof TooDeep) {
      throw new Refusal(`${quoted(pattern)} is nested too deeply; use fewer brackets inside brackets`);
    }
    throw error;
  }
}
