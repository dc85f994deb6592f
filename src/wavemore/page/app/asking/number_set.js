// Sets of small numbers, one bit for each.

/** A set of numbers below a fixed one. */
export class NumberSet {
  /** @param {number} words */
  constructor(words) {
    this.words = new Int32Array(words);
  }

  /** @param {number} number */
  add(number) {
    this.words[number >> 5] |= 1 << (number & 31);
    return this;
  }

  /** @param {NumberSet} other */
  include(other) {
    for (let word = 0; word < this.words.length; word++) this.words[word] |= other.words[word];
    return this;
  }

  /** @param {NumberSet} other */
  meets(other) {
    return this.words.some((word, place) => (word & other.words[place]) !== 0);
  }

  /** @param {NumberSet} other the set of what both have */
  with(other) {
    const out = new NumberSet(this.words.length);
    for (let word = 0; word < this.words.length; word++) out.words[word] = this.words[word] & other.words[word];
    return out;
  }

  copy() {
    return new NumberSet(this.words.length).include(this);
  }

  numbers() {
    const out = [];
    this.words.forEach((word, place) => {
      for (let rest = word; rest !== 0; rest &= rest - 1) out.push(32 * place + 31 - Math.clz32(rest & -rest));
    });
    return out;
  }

  get key() {
    const halves = new Uint16Array(this.words.buffer);
    let key = "";
    for (let from = 0; from < halves.length; from += 4096) {
      key += String.fromCharCode(...halves.subarray(from, from + 4096));
    }
    return key;
  }
}
