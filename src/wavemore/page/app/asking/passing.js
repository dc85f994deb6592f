// What only finished strings tell, as Python's Filter in sampling/sampler.py: whether they are refused, and, where all
// are to be different, whether they came before.

/** Takes note of the strings that pass. */
export class Passing {
  /**
   * @param {(string: string) => boolean} refused
   * @param {boolean} unique whether no string may come twice
   */
  constructor(refused, unique) {
    this.refused = refused;
    this.unique = unique;
    /** @type {Set<string>} those that came, where all are to be different */
    this.known = new Set();
    /** How many in a row came before. */
    this.again = 0;
  }

  /**
   * Whether a string that was drawn may be used.
   * @param {string} string
   */
  takes(string) {
    if (this.refused(string)) return false;
    if (!this.unique) return true;
    if (this.known.has(string)) {
      this.again++;
      return false;
    }
    this.known.add(string);
    this.again = 0;
    return true;
  }
}
